package inbound

import (
	"os"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"

	"ringfence/internal/notify/mail"
)

// What the page for operators shows can be written so.
func TestTheDocumentedConfigurationIsOne(t *testing.T) {
	page, err := os.ReadFile("../../docs/messages-mail.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	var shown struct {
		Messages struct {
			Email struct {
				By   string      `yaml:"by"`
				SMTP mail.Config `yaml:"smtp"`
			} `yaml:"email"`
			Inbound Config `yaml:"inbound"`
		} `yaml:"messages"`
	}
	for _, b := range blocks {
		if err := yaml.UnmarshalWithOptions(b[1], &shown, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
	}
	if err := shown.Messages.Email.SMTP.Check(); err != nil {
		t.Error(err)
	}
	if err := shown.Messages.Inbound.Check(); err != nil {
		t.Error(err)
	}
	if e, i := shown.Messages.Email.SMTP, shown.Messages.Inbound; e.ReturnDomain != i.Domain || len(e.DKIM) != 2 || i.IMAP.Every == 0 {
		t.Errorf("read as %+v and %+v", e, i)
	}
}
