package console

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/process"
	"ringfence/internal/workday"
)

// reviewProcess records what the person who has read a paper says of it.
//
// cite: P-29
func (v *visit) reviewProcess() error {
	ctx, id := v.r.Context(), v.id("process")
	version, _ := strconv.ParseInt(v.field("version"), 10, 64)
	x := process.Verdict{By: v.member.ID, Version: version, Approve: v.field("verdict") == "approve", Reason: v.field("reason")}
	note := "It is rejected, with your reason. Nothing is released."
	if x.Approve {
		note = "It is approved, within what you chose. It can be released now."
		p, err := v.office.Processes.One(ctx, id, v.member.ID)
		if err != nil {
			return v.processed(processAddress(id), "", err)
		}
		from, err := v.dayStart("records-from")
		until, err2 := v.dayEnd("records-until")
		if err := errors.Join(err, err2); err != nil {
			return v.processed(processAddress(id), "", err)
		}
		x.Scope = process.Scope{From: dayWithin(from, p.Asked.From, v.office.Zone), Until: dayWithin(until, p.Asked.Until, v.office.Zone)}
		for _, no := range v.form["subject"] {
			if n, err := strconv.Atoi(no); err == nil {
				x.Scope.Subjects = append(x.Scope.Subjects, n)
			}
		}
		for _, c := range v.form["class"] {
			x.Scope.Data = append(x.Scope.Data, cpni.DataClass(c))
		}
	}
	_, err := v.office.Processes.Review(ctx, id, x)
	return v.processed(processAddress(id), note, err)
}

// dayWithin gives the moment that the paper names where the form names its day, which has no hours: a paper may end at noon.
func dayWithin(day, exact time.Time, zone *time.Location) time.Time {
	if day.IsZero() || workday.DateIn(day, zone) == workday.DateIn(exact, zone) || workday.DateIn(day.Add(-time.Microsecond), zone) == workday.DateIn(exact.Add(-time.Microsecond), zone) {
		return exact
	}
	return day
}

// cite: P-29, P-41
func (v *visit) releaseProcess() error {
	id := v.id("process")
	tried, err := v.office.Processes.Release(v.r.Context(), id, v.member.ID)
	note := fmt.Sprintf("%s released, each by a decision of its own.", counted(tried.Released, "entry was", "entries were"))
	if len(tried.Refused) > 0 {
		note += " " + counted(len(tried.Refused), "was", "were") + " refused: the history says why."
	}
	return v.processed(processAddress(id), note, err)
}

func (v *visit) packProcess() error {
	id := v.id("process")
	n, err := v.office.Processes.Pack(v.r.Context(), id, v.member.ID)
	return v.processed(processAddress(id), fmt.Sprintf("Package %d is made. It is opened and handed out once.", n), err)
}

// handOutProcess hands a package out, once.
//
// cite: P-29, P-41, I-01
func (v *visit) handOutProcess() error {
	id := v.id("process")
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil {
		return errNowhere
	}
	out, err := v.office.Processes.HandOut(v.r.Context(), id, v.member.ID, n, v.options.Letter)
	if err != nil {
		return v.processed(processAddress(id), "", err)
	}
	return v.handFile(out.Media, out.Name, out.File)
}

func (v *visit) closeProcess() error {
	_, err := v.office.Processes.Close(v.r.Context(), v.id("process"), v.member.ID, v.field("reason"))
	return v.processed(processAddress(v.id("process")), "It is closed. Nothing more is released under it.", err)
}

func (v *visit) endProcess() error {
	x := process.Ending{By: v.member.ID, State: process.State(v.field("state")), Reason: v.field("reason")}
	if len(v.uploads) > 0 {
		x.Scan = []byte(v.uploads[0].Text)
	}
	_, err := v.office.Processes.End(v.r.Context(), v.id("process"), x)
	return v.processed(processAddress(v.id("process")), "It has ended. Nothing is released under it from now on, and no package that was not handed out.", err)
}

func (v *visit) quietProcess() error {
	address := processAddress(v.id("process"))
	x := process.Quiet{By: v.member.ID, Lift: v.field("silence") == "lift", Reason: v.field("reason")}
	var err error
	if x.Until, err = v.dayEnd("silence-until"); err != nil {
		return v.processed(address, "", err)
	}
	if x.Lift {
		x.Until = time.Time{}
	}
	if v.field("silence") == "until" && x.Until.IsZero() {
		return v.processed(address, "", cpni.Rejected("BAD_INPUT", "it is not said until which day", []string{"P-29"}, "give the last day on which the customer must not be told"))
	}
	if v.field("silence") == "open" {
		x.Until = time.Time{}
	}
	if len(v.uploads) > 0 {
		x.Scan = []byte(v.uploads[0].Text)
	}
	_, err = v.office.Processes.Quiet(v.r.Context(), v.id("process"), x)
	return v.processed(address, "It is on record. When the silence ends the customer is told by itself.", err)
}

func (v *visit) lookedProcess() error {
	_, err := v.office.Processes.Looked(v.r.Context(), v.id("process"), v.member.ID, v.field("reason"))
	return v.processed(processAddress(v.id("process")), "It is on record that the silence still stands.", err)
}

func (v *visit) nameProcess() error {
	var more []cpni.ID
	for _, id := range v.form["named"] {
		more = append(more, cpni.ID(id))
	}
	_, err := v.office.Processes.Name(v.r.Context(), v.id("process"), v.member.ID, more...)
	return v.processed(processAddress(v.id("process")), "They may know of it from now on.", err)
}
