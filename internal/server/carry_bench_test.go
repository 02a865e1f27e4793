package server

import (
	"slices"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/mail"
	"ringfence/internal/notify/mail/mailtest"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// BenchmarkNoticesByMail carries notices from the outbox to a mail server of others: opened, written by their template, looked
// through, sent, and on record.
func BenchmarkNoticesByMail(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			peer := mailtest.Start(b, mailtest.Options{Security: "none", Discard: true})
			db := storetest.Open(b, url(b))
			o := officetest.Open(b, db)
			channel, err := mail.New(mail.Config{Host: peer.Host, Port: peer.Port, Security: mail.None, From: "Example Tel <privacy@example.net>", Connections: 8}, o.Clock)
			if err != nil {
				b.Fatal(err)
			}
			o.Reach(map[cpni.Via]notify.Channel{cpni.Email: channel})
			ann := o.Customer(b)
			one := notify.Message{Kind: notify.AccountChange, Via: cpni.Email, Place: notify.AOR, To: ann.Email[0].Value, Tokens: map[string]string{"what": "password"}}
			for some := range slices.Chunk(slices.Repeat([]notify.Message{one}, b.N), 1000) {
				err := db.Tx(b.Context(), func(tx *store.Tx) error {
					for _, m := range some {
						if err := o.Outbox.Plan(b.Context(), tx, ann.ID, m); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			if err := o.Messages.Step(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "notices/s")
			counts, err := o.Outbox.Counts(b.Context())
			if err != nil || len(counts) != 1 || counts[0].State != notify.Sent || counts[0].N != int64(b.N) {
				b.Fatalf("%+v, %v", counts, err)
			}
		})
	}
}
