package portal_test

import (
	"fmt"
	"testing"
	"time"

	"ringfence/internal/customer"
	"ringfence/internal/portal"
	"ringfence/internal/store/storetest"
)

// How long an answer to a wrong password takes, with and without the pace that evens it out: for an account that there is, for one that
// has no password, and for one that there is not.
func BenchmarkSignInRefused(b *testing.B) {
	b.Run("work alone", func(b *testing.B) { signInRefused(b, -1) })
	b.Run("with the pace", func(b *testing.B) { signInRefused(b, 0) })
}

func signInRefused(b *testing.B, pace time.Duration) {
	for name, url := range map[string]string{"sqlite": storetest.SQLite(b), "postgres": storetest.Postgres(b)} {
		s := visit(b, storetest.Open(b, url), func(o *portal.Options) { o.Pace = pace })
		for _, c := range []struct {
			what string
			who  func(i int) string
		}{
			{"known", func(int) string { return s.Customer(b).Account }},
			{"without a password", func(int) string {
				return s.Customer(b, func(p *customer.Profile) { p.Credentials.Password = nil }).Account
			}},
			{"unknown", func(i int) string { return fmt.Sprintf("A-none-%d", i) }},
		} {
			b.Run(name+"/"+c.what, func(b *testing.B) {
				for i := range b.N {
					b.StopTimer()
					who := c.who(i)
					s.another()
					s.from = fmt.Sprintf("10.%d.%d.%d", i/65536%256, i/256%256, i%256)
					b.StartTimer()
					s.post(signIn, "who", who, "password", "red fox 7 7")
				}
			})
		}
	}
}
