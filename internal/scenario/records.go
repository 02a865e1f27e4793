package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/vault"
)

// record is what a story may ask of one record: fields in the words of the language, and everything that stands in it.
type record struct {
	id     cpni.ID
	fields map[string]string
	text   string
}

// kinds tells which entries of the ledger each word of `records` means.
var kinds = map[string]ledger.Kind{"disclosures": ledger.Decision, "decisions": ledger.Decision, "approvals": ledger.Change, "changes": ledger.Change, "attempts": ledger.Attempt, "look-ups": ledger.Lookup, "notices": ledger.Notice, "incidents": ledger.Incident, "alerts": ledger.Alert}

// records counts and shows what is on record since the first step.
func records(ctx context.Context, w *world, a args) (result, error) {
	var all []record
	var err error
	of := a.text("of")
	kind, built := kinds[of]
	switch {
	case of == "campaigns":
		all, err = w.campaignRecords(ctx)
	case of == "messages":
		all, err = w.messageRecords(ctx, a.text("customer"))
	case of == "complaints" || of == "broker-actions":
		all, err = w.bookRecords(ctx, of)
	case kind == ledger.Alert:
		if err = w.watchLooks(ctx); err == nil {
			all, err = w.ledgerRecords(ctx, a.text("customer"), kind)
		}
	case built:
		all, err = w.ledgerRecords(ctx, a.text("customer"), kind)
	default:
		return result{}, notBuilt("`records` of " + of)
	}
	if err != nil {
		return result{}, err
	}
	where := a.n.get("where")
	var found []record
	for _, r := range all {
		switch {
		case w.before[r.id]:
		case of == "disclosures" && r.fields["outcome"] != string(cpni.Permit):
		case of == "approvals" && r.fields["scope"] == "":
		case of == "changes" && r.fields["scope"] != "":
		case where != nil && !r.has(where):
		default:
			found = append(found, r)
		}
	}
	return result{outcome: cpni.OK, fields: map[string]any{"count": len(found), "each": eachOf(found), "none-contains": noneOf(found)}}, nil
}

// has reports whether the record's fields are as want says.
func (r record) has(want *node) bool {
	return !slices.ContainsFunc(want.entries, func(e entry) bool {
		got, told := r.fields[e.key]
		return !told || got != e.value.text
	})
}

// eachOf judges whether every record has the expected fields.
type eachOf []record

func (all eachOf) met(_ *world, want *node) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(r record) bool { return !r.has(want) })
}

func (all eachOf) String() string {
	parts := make([]string, len(all))
	for i, r := range all {
		keys := make([]string, 0, len(r.fields))
		for k, v := range r.fields {
			if v != "" {
				keys = append(keys, k+": "+v)
			}
		}
		slices.Sort(keys)
		parts[i] = "{" + strings.Join(keys, ", ") + "}"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// noneOf judges whether no record contains a text, in whatever capitals and spaces.
type noneOf []record

func (all noneOf) met(_ *world, want *node) bool {
	bare := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	return !slices.ContainsFunc(all, func(r record) bool { return strings.Contains(bare(r.text), bare(want.text)) })
}

func (all noneOf) String() string { return fmt.Sprintf("one of the %d records contains it", len(all)) }

// ledgerRecords reads the entries of a kind about a customer, or about everybody when name is "".
func (w *world) ledgerRecords(ctx context.Context, name string, kind ledger.Kind) ([]record, error) {
	var all []record
	err := w.ledger.Each(ctx, func(row ledger.Row) error {
		if row.Kind != kind || name != "" && row.Customer != w.customers[name] {
			return nil
		}
		r, err := w.ledgerRecord(ctx, row)
		all = append(all, r)
		return err
	})
	return all, err
}

func (w *world) ledgerRecord(ctx context.Context, row ledger.Row) (record, error) {
	words := make([]string, len(row.Permits))
	for i, p := range row.Permits {
		words[i] = string(p)
	}
	r := record{id: row.ID, fields: map[string]string{"kind": string(row.Kind), "customer": w.names[row.Customer], "actor": w.whoIs(row.Actor), "purpose": row.Purpose,
		"recipient": row.Recipient, "outcome": string(row.Outcome), "code": string(row.Code), "permits": strings.Join(words, " ")}}
	plain, err := w.vault.OpenRecord(ctx, row)
	if errors.Is(err, vault.ErrForgotten) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("opening a record: %w", err)
	}
	r.text = string(plain)
	var detail map[string]any
	if row.Kind != ledger.Decision && vault.Detail(plain, &detail) == nil {
		for k, v := range detail {
			if s, ok := v.(string); ok {
				r.fields[k] = s
			}
		}
	}
	for _, v := range r.fields {
		r.text += "\n" + v
	}
	return r, nil
}

// whoIs gives the name of an actor in the story.
func (w *world) whoIs(id string) string {
	for name, of := range w.staffIDs {
		if string(of) == id {
			return name
		}
	}
	return id
}

func (w *world) messageRecords(ctx context.Context, name string) ([]record, error) {
	names := []string{name}
	if name == "" {
		names = nil
		for n := range w.customers {
			names = append(names, n)
		}
		slices.Sort(names)
	}
	went := map[cpni.ID][]notify.Piece{}
	for _, p := range w.outside.sent() {
		went[p.ID] = append(went[p.ID], p)
	}
	var all []record
	for _, n := range names {
		messages, err := w.office.Outbox.Messages(ctx, w.customers[n])
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			text, err := json.Marshal(m)
			if err != nil {
				return nil, err
			}
			r := record{id: m.ID, text: string(text), fields: map[string]string{"customer": n, "kind": m.Kind, "via": string(m.Via), "to": string(m.Place), "state": string(m.State)}}
			for _, p := range went[m.ID] {
				r.text += "\n" + bytesOf(p)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// rememberSetup notes what is on record before the first step, so that `records` tells only of the story.
func (w *world) rememberSetup(ctx context.Context) error {
	return w.ledger.Each(ctx, func(row ledger.Row) error {
		w.before[row.ID] = true
		return nil
	})
}

// alerts gives the codes of the alerts since the first step, or since a later moment.
func alerts(ctx context.Context, w *world, a args) (result, error) {
	var raised []ledger.Row
	if err := errors.Join(w.watchLooks(ctx), w.office.Exports.Due(ctx)); err != nil {
		return result{}, err
	}
	err := w.ledger.Each(ctx, func(row ledger.Row) error {
		if row.Kind == ledger.Alert && !w.before[row.ID] && (!a.has("since") || !row.At.Before(a.moment("since"))) {
			raised = append(raised, row)
		}
		return nil
	})
	slices.SortStableFunc(raised, func(a, b ledger.Row) int { return a.At.Compare(b.At) })
	codes := []any{}
	for _, row := range raised {
		codes = append(codes, string(row.Code))
	}
	return result{outcome: cpni.OK, fields: map[string]any{"codes": codes}}, err
}
