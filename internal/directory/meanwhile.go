package directory

// Meanwhile has kept called between the decisions about a page and its keeping, and written before each file is written: what may
// happen there by chance, a test makes happen. nil: nothing is called.
func (d *Desk) Meanwhile(kept, written func()) { d.beforeKeeping, d.beforeAssembly = kept, written }

// PageSize sets how many customers are looked at together.
func (d *Desk) PageSize(n int) { d.pageSize = n }
