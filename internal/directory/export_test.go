package directory

// When has do called between the decisions about a page and its keeping, and then before each file is written, so that a test can
// change something meanwhile. nil: nothing is called.
func (d *Desk) When(kept, written func()) { d.beforeKeeping, d.beforeAssembly = kept, written }

// PageSize sets how many customers are looked at together, for a test with few of them.
func (d *Desk) PageSize(n int) { d.pageSize = n }
