//go:build !planted

package approval

import (
	"time"

	"ringfence/internal/customer"
)

// remembered is the place of a fault that the tests plant to see that they would find it; here there is none.
func remembered(p *customer.Profile, _ time.Time) *customer.Profile { return p }
