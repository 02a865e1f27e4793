package portal_test

import (
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
)

type storeDB = store.DB

// disputed is what somebody says who has got the notice of a change.
func disputed(of, change cpni.ID) contact.Dispute {
	return contact.Dispute{Customer: of, Change: change, How: contact.ByLink}
}

// settled has somebody find that a change was not the customer's.
func settled(s *site, of, change cpni.ID) error {
	_, err := s.Contacts.Settle(s.t.Context(), contact.Settlement{Customer: of, Change: change, By: "vera", Outcome: customer.Undone})
	return err
}
