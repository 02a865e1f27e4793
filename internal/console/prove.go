package console

import (
	"errors"
	"strconv"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// prove takes one proof. Whether it was one is said on the contact's page, to which the browser is sent either way, so
// that a reload does not try again.
//
// cite: P-16, P-18, P-19, P-20, P-21, P-42, 47 CFR 64.2010
func (v *visit) prove() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	if err := v.goesOn(s); err != nil {
		return err
	}
	address := contactAddress(s.ID)
	if again := cpni.ID(v.form.Get("again")); again.Valid() {
		address += "?again=" + string(again)
	}
	form := v.form.Get("method")
	proof, note, err := v.proof(form, s)
	if err == nil {
		_, err = v.office.Contacts.Authenticate(v.r.Context(), s.ID, proof)
	}
	left := flash{For: contactAddress(s.ID), Note: note, Form: form}
	if errors.As(err, &left.Refusal) {
		left.Note = ""
		return v.leave(left, address)
	}
	if err != nil {
		return err
	}
	if proof.SendCode == "" && (proof.Callback == nil || !proof.Callback.Ring) { // the code itself comes next, and what becomes of the call
		left.Form = ""
	}
	return v.leave(left, address)
}

// proof reads a form of proof, with what to say when it is one.
func (v *visit) proof(form string, s *contact.State) (proof contact.Proof, note string, err error) {
	note = "Verified by " + wordOf(methodWords, cpni.Method(form)) + "."
	secret := v.form.Get("secret")
	missing := func(what string) error {
		return cpni.Rejected("BAD_INPUT", what+" is missing", []string{"P-18"}, "fill it in and try again")
	}
	switch cpni.Method(form) {
	case cpni.ByPassword:
		proof.Password = secret
	case cpni.ByPIN:
		proof.PIN = secret
	case cpni.ByBackup:
		note = "The answer is right. It begins a new password and releases nothing: send a code to record next."
		proof.Backup = map[string]string{v.form.Get("question"): secret}
	case cpni.ByCode:
		if place := v.form.Get("place"); place != "" {
			proof.SendCode, err = v.numberAt(s, place)
			return proof, "A code is on its way. Ask the caller to read it to you.", err
		}
		proof.Code = secret
	case cpni.ByCallback:
		proof.Callback = &contact.Callback{Answered: v.form.Get("answered") == "yes", Ring: v.form.Get("ring") == "yes"}
		switch {
		case proof.Callback.Ring:
			note = "The number is being rung."
		case !proof.Callback.Answered:
			note = "It is on record that nobody answered."
		}
		proof.Callback.Number, err = v.numberAt(s, v.form.Get("place"))
		return proof, note, err
	case cpni.ByPhotoID:
		expires, bad := time.Parse(time.DateOnly, v.field("expires"))
		if bad != nil {
			return proof, "", cpni.Rejected("PHOTO_ID", "the date until which the document is valid was not read", []string{"47 CFR 64.2003(r)"}, "write it as 2031-06-30")
		}
		proof.PhotoID = &contact.PhotoID{Name: v.field("name"), Expires: expires, Government: v.form.Get("government") == "yes"}
		return proof, note, nil
	case cpni.ByContract:
		proof.Contract = true
		return proof, note, nil
	case "letter":
		note = "Verified by the code of a letter."
		proof.Code, proof.Letter = secret, v.field("letter")
		if proof.Letter == "" {
			return proof, "", missing("the number of the letter")
		}
	case "claim":
		proof.Claim = map[string]string{}
		for _, name := range v.form["claim"] {
			proof.Claim[name] = ""
		}
		if len(proof.Claim) == 0 {
			return proof, "", missing("what the caller offered")
		}
		return proof, "", nil
	default:
		return proof, "", cpni.Rejected("METHOD", "that is no method of proof", []string{"P-18", "47 CFR 64.2010"}, "use one of the forms on the page")
	}
	if secret == "" {
		return proof, "", missing("what the caller says")
	}
	return proof, note, nil
}

// numberAt gives the number of a line that was chosen by its place, and the kind of an address as it is.
func (v *visit) numberAt(s *contact.State, place string) (string, error) {
	if place == string(cpni.Email) || place == string(cpni.Postal) {
		return place, nil
	}
	p, _, err := v.office.Customers.Get(v.r.Context(), s.Customer)
	if err != nil {
		return "", err
	}
	var l customer.Line
	no, err := strconv.Atoi(place)
	ok := false
	if err == nil {
		l, ok = lineNo(p, no)
	}
	if !ok {
		return "", cpni.Rejected("NOT_TNOR", "that is not the number of a service of this customer", []string{"P-20", "47 CFR 64.2003(q)"}, "choose one of the numbers on the page")
	}
	return l.Number, nil
}
