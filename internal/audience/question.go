// Package audience finds who may be in an audience and who not, and why: by the same rules as a single request.
//
// cite: P-07, P-36, P-40, I-19, 47 CFR 64.2009(a)
package audience

import (
	"context"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
)

// Question is a use of which the customers are looked for. The campaign that it is for is no part of it: who would be in is asked
// before anybody has agreed to it.
type Question struct {
	Caller  disclose.Caller // who would use it
	Purpose cpni.Purpose
	Data    []cpni.DataClass // what would be used, that of the filter included
	To      string           // who receives it, in the words of disclose.Request; empty: the carrier
	Via     cpni.Via
	Offer   *rules.Offer
	Filter  Filter
}

// Counts are how many customers are in an audience, and how many are not and why.
type Counts struct {
	Customers int               `json:"customers"` // on the books and in service
	Outside   int               `json:"outside"`   // of whom the use is not meant
	Included  int               `json:"included"`
	Excluded  map[cpni.Code]int `json:"excluded,omitempty"` // by the code of the decision that refuses them
}

// Audience finds the customers of a use. What it gives stood when it was asked for: whoever uses anything asks the door about
// each customer again.
//
// cite: P-09, I-02, I-19, 47 CFR 64.2009(a)
type Audience interface {
	// Count counts them without naming any.
	Count(ctx context.Context, q Question) (Counts, error)
	// Each tells of those who are in it, in the order of their ids, from behind after; "" from the first. It ends with the error of
	// do.
	Each(ctx context.Context, q Question, after cpni.ID, do func(cpni.ID) error) error
}
