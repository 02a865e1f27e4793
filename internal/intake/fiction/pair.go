package fiction

// buckets is the length of displacement.
const buckets = 1024

// Pairs is how many pairs of numbers there are: each is for one customer with up to two lines.
func Pairs() int { return Slots() / 2 }

// Pair chooses the pair of numbers (Number(2p), Number(2p+1)) of a customer's id, from the id alone: in whatever order
// and however divided customers are imported, each gets the same numbers. Among the ids of the sample that
// displacement was made for no two share a pair; of other ids some may, and the importer refuses the second of them.
func Pair(id string) int {
	s := New(0, id)
	h := s.Uint64()
	return place(h, displacement[h%buckets])
}

func place(h uint64, d uint16) int { return int(Mix(h+uint64(d)*0x9e3779b97f4a7c15) % uint64(Pairs())) }

// Displace computes the table: for every bucket of ids the smallest displacement that puts all of them on pairs
// that are still free, the fullest buckets first. It returns nil when the ids do not fit.
func Displace(ids []string) []uint16 {
	byBucket := make([][]uint64, buckets)
	for _, id := range ids {
		h := New(0, id).Uint64()
		byBucket[h%buckets] = append(byBucket[h%buckets], h)
	}
	order := make([]int, 0, buckets)
	for size := len(ids); size > 0; size-- {
		for b, hs := range byBucket {
			if len(hs) == size {
				order = append(order, b)
			}
		}
		if len(order) == buckets {
			break
		}
	}
	table := make([]uint16, buckets)
	taken := make([]bool, Pairs())
	for _, b := range order {
		d := 0
		for ; d < 1<<16; d++ {
			if fits(byBucket[b], uint16(d), taken) {
				break
			}
		}
		if d == 1<<16 {
			return nil
		}
		table[b] = uint16(d)
	}
	return table
}

// fits takes the places of hs under d, or none of them.
func fits(hs []uint64, d uint16, taken []bool) bool {
	for i, h := range hs {
		if p := place(h, d); taken[p] {
			for _, h := range hs[:i] {
				taken[place(h, d)] = false
			}
			return false
		} else {
			taken[p] = true
		}
	}
	return true
}
