package export

import "context"

// Smaller makes batches and parts smaller.
func Smaller(x *Exports, batch int, rows int64) { x.batch, x.rows = batch, rows }

// CutAfter has stop called at the n-th step of the work; 0: never.
func CutAfter(x *Exports, n int, stop context.CancelFunc) {
	x.step = func() {
		if n--; n == 0 {
			stop()
		}
	}
}
