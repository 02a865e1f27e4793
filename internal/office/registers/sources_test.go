package registers_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/register"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func storeOf(t *testing.T) *store.DB { return storetest.Open(t, storetest.SQLite(t)) }

// keep records something that was done about a campaign, as the part that keeps campaigns does.
func (w *world) keep(what string, campaign cpni.ID) {
	w.t.Helper()
	w.Time.Add(time.Second)
	_, err := w.Ledger.Commit(w.t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := w.Vault.Entry(w.t.Context(), tx, ledger.Entry{Kind: ledger.Admin, At: w.Clock.Now(), Actor: string(w.compliance), Outcome: cpni.OK}, map[string]any{"what": what, "campaign": campaign})
		return []ledger.Entry{e}, err
	})
	w.must(err)
}

// The register of campaigns shows what the carrier, its affiliates and its partners have offered and with which information, who
// reviewed it, and every entry of the ledger about it; it is found by days, recipient, purpose and the words of the description, and
// taken away with proofs.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestTheRegisterOfCampaigns(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		summer, affiliate := cpni.NewTimedID(w.Clock.Now()), cpni.NewTimedID(w.Clock.Now().Add(time.Hour))
		all := []register.Campaign{
			{ID: summer, At: w.Clock.Now(), Title: "Summer lines", Description: "A second line at half the price", Whose: "carrier", State: "launched", Purpose: cpni.PartnerMarketing, Data: []cpni.DataClass{cpni.Service, cpni.Usage},
				Products: []string{"Second line (local)"}, Recipients: []string{"acme"}, Channel: "export", From: officetest.Start, Until: officetest.Start.AddDate(0, 1, 0), By: w.compliance,
				Reviews: []register.Review{{By: w.agent, At: w.Clock.Now(), Verdict: "approved"}}, Included: 2, Excluded: 5, Sent: 2},
			{ID: affiliate, At: w.Clock.Now().Add(time.Hour), Description: "The affiliate's cable offer", Whose: "sister", State: "recorded", Purpose: cpni.OwnMarketing, Data: []cpni.DataClass{cpni.Service},
				Products: []string{"Cable (broadband)"}, From: officetest.Start.AddDate(0, 3, 0)},
		}
		w.Registers.Parts.Campaigns = register.SourceFunc[register.Campaign](func(context.Context) ([]register.Campaign, error) { return slices.Clone(all), nil })
		w.keep("campaign drafted", summer)
		w.keep("campaign approved", summer)
		w.keep("something else", "")
		w.signed()
		for _, c := range []struct {
			name string
			q    register.Query
			want []cpni.ID
		}{
			{"everything", register.Query{}, []cpni.ID{affiliate, summer}},
			{"the words", register.Query{Text: "HALF the price"}, []cpni.ID{summer}},
			{"a product", register.Query{Text: "cable"}, []cpni.ID{affiliate}},
			{"the recipient", register.Query{Recipient: "acme"}, []cpni.ID{summer}},
			{"the affiliate", register.Query{Recipient: "sister"}, []cpni.ID{affiliate}},
			{"the purpose", register.Query{Purpose: cpni.OwnMarketing}, []cpni.ID{affiliate}},
			{"days", register.Query{To: officetest.Start.AddDate(0, 2, 0)}, []cpni.ID{summer}},
			{"later days", register.Query{From: officetest.Start.AddDate(0, 2, 0)}, []cpni.ID{affiliate}},
		} {
			p, err := w.Registers.Campaigned(ctx, c.q)
			var got []cpni.ID
			for _, l := range p.Lines {
				got = append(got, l.ID)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, %v (P-40)", c.name, got, err)
			}
		}
		first, err := w.Registers.Campaigned(ctx, register.Query{Limit: 1})
		w.must(err)
		cursor, ok := register.ReadCursor(first.Next.String())
		second, err := w.Registers.Campaigned(ctx, register.Query{Limit: 1, Before: cursor})
		if err != nil || !ok || len(second.Lines) != 1 || second.Lines[0].ID != summer || second.Next != (register.Cursor{}) {
			t.Errorf("the second page: %+v, %v", second, err)
		}
		one, ok, err := w.Registers.OneCampaign(ctx, summer)
		if err != nil || !ok || len(one.Entries) != 2 {
			t.Fatalf("%+v, %v, %v (P-40)", one, ok, err)
		}
		var b bytes.Buffer
		_, err = w.Registers.Proof(ctx, &b, register.Campaigns, register.Query{}, true)
		w.must(err)
		v, err := register.Verify(&b, w.Ledger.VerifierKey())
		if err != nil || v.Lines != 2 || v.Entries != 2 {
			t.Errorf("with proofs: %+v, %v (P-40)", v, err)
		}
		w.Time.Add(4 * 365 * 24 * time.Hour)
		if one, _, err = w.Registers.OneCampaign(ctx, summer); err != nil || !one.Over {
			t.Errorf("years later: %+v, %v", one, err)
		}
		b.Reset()
		if n, err := w.Registers.Print(ctx, &b, register.Campaigns, register.Query{}, w.Letterhead(), false); err != nil || n != 2 {
			t.Errorf("printed: %d, %v", n, err)
		}
	})
}

// secrets stands for the register of legal process.
type secrets struct {
	silent map[string]bool
	named  cpni.ID
}

func (s secrets) Silent(_ context.Context, id string) (silent, ok bool, err error) {
	silent, ok = s.silent[id]
	return silent, ok, nil
}

func (s secrets) Hides(_ context.Context, id string, from cpni.ID) (bool, error) {
	return s.silent[id] && from != s.named, nil
}

// The register of legal process shows what was demanded and what was released on it. Of one that nobody may know of but those whom it
// names others see no line, and of what was released on it no more than the entry itself says; by its number it is not found.
//
// cite: P-29, P-37, 47 CFR 64.2009(c)
func TestTheRegisterOfProcess(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		ann := w.Customer(t)
		w.Registers.Parts.Processes = register.SourceFunc[register.Process](func(context.Context) ([]register.Process, error) {
			return []register.Process{{ID: cpni.NewID(), At: w.Clock.Now(), Kind: "court order", Number: "CV 26-17", Issuer: "a district court", Received: officetest.Start, Scope: []cpni.DataClass{cpni.CallDetail}, State: "answered"},
				{ID: "secret order", At: w.Clock.Now().Add(time.Second), Kind: "warrant", Number: "SW 1", Issuer: "a magistrate", Received: officetest.Start, Secret: true}}, nil
		})
		w.Registers.Secrets = secrets{map[string]bool{"secret order": true}, w.compliance}
		open := w.ask(w.order("CV 26-17", ann.ID, false)).Entry
		secret := w.ask(w.order("secret order", ann.ID, true)).Entry
		w.signed()
		other := w.Member(t, cpni.RoleOfficer)

		p, err := w.Registers.Processed(ctx, register.Query{Viewer: other})
		if err != nil || len(p.Lines) != 1 || p.Lines[0].Number != "CV 26-17" || len(p.Lines[0].Released) != 1 || p.Lines[0].Released[0].Entry != open {
			t.Fatalf("for others: %+v, %v (P-29)", p.Lines, err)
		}
		if p, err = w.Registers.Processed(ctx, register.Query{Viewer: w.compliance}); err != nil || len(p.Lines) != 2 || p.Lines[0].Released[0].Entry != secret {
			t.Errorf("for the one who is named: %+v, %v (P-29)", p.Lines, err)
		}
		d, err := w.Registers.Disclosed(ctx, register.Query{Viewer: other})
		w.must(err)
		if len(d.Lines) != 2 || !d.Lines[0].Hidden || d.Lines[0].Basis != (register.Basis{Kind: register.ByProcess}) || d.Lines[0].Rules != nil || d.Lines[1].Hidden {
			t.Errorf("for others: %+v (P-29)", d.Lines)
		}
		if d, err = w.Registers.Disclosed(ctx, register.Query{Viewer: other, Matter: "secret order"}); err != nil || len(d.Lines) != 0 {
			t.Errorf("by its number: %+v, %v (P-29)", d.Lines, err)
		}
		if d, err = w.Registers.Disclosed(ctx, register.Query{Viewer: w.compliance, Matter: "secret order"}); err != nil || len(d.Lines) != 1 || d.Lines[0].Hidden {
			t.Errorf("by its number, for the one who is named: %+v, %v", d.Lines, err)
		}
		if _, ok, err := w.Registers.OneProcess(ctx, other, "secret order"); ok || err != nil {
			t.Errorf("the line of the secret order: %v, %v (P-29)", ok, err)
		}
		if d, err = w.Registers.Disclosed(ctx, register.Query{Viewer: w.compliance, Text: "district"}); err != nil || len(d.Lines) != 1 || d.Lines[0].Entry != open {
			t.Errorf("by the words of the process: %+v, %v", d.Lines, err)
		}
		var b bytes.Buffer
		if _, err := w.Registers.CSV(ctx, &b, register.Processes, register.Query{Viewer: other}, false); err != nil || strings.Contains(b.String(), "SW 1") || !strings.Contains(b.String(), "CV 26-17") {
			t.Errorf("as a table: %s, %v (P-29)", b.String(), err)
		}
	})
}

var (
	streams = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)
	shows   = regexp.MustCompile(`<([0-9A-F]+)> Tj`)
	maps    = regexp.MustCompile(`<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})>|<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})>`)
)

// textOf reads the text of a PDF file, line by line as it was drawn.
func textOf(t *testing.T, file []byte) string {
	t.Helper()
	glyphs := map[string]rune{}
	var pages []string
	for _, m := range streams.FindAllSubmatch(file, -1) {
		z, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			continue
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			continue
		}
		if bytes.Contains(plain, []byte("begincmap")) {
			for _, g := range maps.FindAllSubmatch(plain, -1) {
				if len(g[4]) > 0 {
					if b, err := hex.DecodeString(string(g[5])); err == nil {
						glyphs[strings.ToUpper(string(g[4]))] = rune(b[0])<<8 | rune(b[1])
					}
					continue
				}
				from, _ := hex.DecodeString(string(g[1]))
				to, _ := hex.DecodeString(string(g[2]))
				first, _ := hex.DecodeString(string(g[3]))
				for n := 0; n <= (int(to[0])<<8|int(to[1]))-(int(from[0])<<8|int(from[1])); n++ {
					id := (int(from[0])<<8 | int(from[1])) + n
					glyphs[strings.ToUpper(hex.EncodeToString([]byte{byte(id >> 8), byte(id)}))] = rune((int(first[0])<<8 | int(first[1])) + n)
				}
			}
			continue
		}
		if bytes.Contains(plain, []byte(" Tj")) {
			pages = append(pages, string(plain))
		}
	}
	var out strings.Builder
	for _, p := range pages {
		for _, m := range shows.FindAllStringSubmatch(p, -1) {
			for i := 0; i+4 <= len(m[1]); i += 4 {
				out.WriteRune(glyphs[m[1][i:i+4]])
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}
