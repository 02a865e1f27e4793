package console

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"filippo.io/age"

	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
)

// A bundle is proposed by one person and agreed to by another; then it is taken by the auditor, verifies and replays; and each step is on
// record. Who proposed can not agree, and nobody takes what was not agreed to or is over.
//
// cite: P-37, P-41, P-49, 47 CFR 64.2010(a)
func TestEvidenceAtTheDesk(t *testing.T) {
	w := newWorld(t)
	key, err := age.GenerateX25519Identity()
	must(t, err)
	b := w.signedIn(t, "compliance")
	form := []string{"from", "2026-01-01", "to", "2026-12-31", "scope", evidence.All, "recipient", key.Recipient().String(), "why", "The auditor of 2026 has asked."}
	shown := b.get("/evidence").is(t, http.StatusOK)
	shown.says(t, "None was proposed.", "Propose a bundle")
	b.submit("/evidence/propose", append([]string{"key", shown.value("key"), "recipient", "ssh-rsa AAAA"}, form...)...).is(t, http.StatusUnprocessableEntity).says(t, "no public key of age", "The auditor of 2026 has asked.")
	b.submit("/evidence/propose", append([]string{"key", b.get("/evidence").value("key")}, form...)...).says(t, "Nothing happens before a second person agrees.")
	proposal := b.at
	b.get(proposal).says(t, "Make a bundle of evidence", "Everything, from 1 January 2026 to 31 December 2026", "The auditor of 2026 has asked.", evidence.Fingerprint(key.Recipient().String()))
	take := "/evidence/" + strings.TrimPrefix(proposal, "/proposals/") + "/bundle"

	auditor := w.signedIn(t, "auditor")
	listed := auditor.get("/evidence").is(t, http.StatusOK)
	listed.says(t, "Everything, from", "waits for a second person")
	listed.lacks(t, "Propose a bundle", "Make and take it")
	auditor.submit(take).says(t, "Two people have not agreed to this bundle")
	auditor.submit("/evidence/propose", append([]string{"key", shown.value("key")}, form...)...).is(t, http.StatusForbidden)
	w.signedIn(t, "agent").get("/evidence").is(t, http.StatusForbidden)

	second := w.signedIn(t, "officer")
	second.submit(proposal+"/agree", "hash", second.get(proposal).value("hash")).is(t, http.StatusOK)
	auditor.get("/evidence").says(t, "Make and take it", "each time is on record")
	r := auditor.submit(take).is(t, http.StatusOK)
	if r.Header.Get("Content-Type") != "application/zip" {
		t.Fatalf("it comes as %s: %.200q", r.Header.Get("Content-Type"), r.page)
	}
	files := unzipped(t, r.page)
	var out strings.Builder
	if v, err := evidence.Verify(t.Context(), files, ledger.Trust{Key: w.Ledger.VerifierKey()}, &out); err != nil || !v.OK() {
		t.Errorf("it does not verify: %v %s", err, out.String())
	}
	if again, err := evidence.Replay(t.Context(), files, []age.Identity{key}, &out); err != nil || !again.OK() || again.Others == 0 {
		t.Errorf("it does not replay: %v %s", err, out.String())
	}
	rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Evidence})
	must(t, err)
	if len(rows) != 2 || rows[0].Purpose != evidence.Made || rows[0].Actor == "" {
		t.Errorf("on record is %+v", rows)
	}
	w.clock.pass(40 * 24 * time.Hour)
	auditor = w.signedIn(t, "auditor")
	listed = auditor.get("/evidence")
	listed.says(t, "agreed to; its time is over")
	listed.lacks(t, "Make and take it")
	auditor.submit(take).says(t, "the time in which it may be made is over")
}

// unzipped gives the files of an archive.
func unzipped(t *testing.T, archive string) fstest.MapFS {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader([]byte(archive)), int64(len(archive)))
	must(t, err)
	files := fstest.MapFS{}
	for _, f := range in.File {
		r, err := f.Open()
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		files[f.Name] = &fstest.MapFile{Data: content}
	}
	return files
}

// The pages fit every window, and axe finds nothing to complain of.
//
// cite: P-41
func TestEvidencePagesAreSound(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "compliance")
	key, err := age.GenerateX25519Identity()
	must(t, err)
	b.submit("/evidence/propose", "key", b.get("/evidence").value("key"), "from", "2026-01-01", "to", "2026-12-31", "scope", evidence.All, "recipient", key.Recipient().String(), "why", "The auditor of 2026 has asked for everything.")
	proposal := b.at
	second := w.signedIn(t, "officer")
	second.submit(proposal+"/agree", "hash", second.get(proposal).value("hash")).is(t, http.StatusOK)
	c := w.chromium(t)
	c.takeOver(b)
	c.isSound("evidence", "/evidence")
	c.isSound("evidence proposed", proposal)
}
