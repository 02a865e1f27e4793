package training

import (
	"crypto/rand"
	"encoding/binary"
)

// Asked is one question of an attempt: which, and in which order its choices are shown.
type Asked struct {
	Question string `json:"question"`
	Order    []int  `json:"order"` // the places of the choices in the course
}

// draw chooses the questions of an attempt: at least one of each section, in an order that nobody knows beforehand.
//
// cite: P-38, 47 CFR 64.2009(b)
func (c *Course) draw() []Asked {
	var chosen []int
	taken := map[int]bool{}
	take := func(i int) {
		taken[i] = true
		chosen = append(chosen, i)
	}
	for _, s := range c.Sections {
		var own []int
		for i, q := range c.Questions {
			if q.Section == s.ID {
				own = append(own, i)
			}
		}
		take(own[chance(len(own))])
	}
	var rest []int
	for i := range c.Questions {
		if !taken[i] {
			rest = append(rest, i)
		}
	}
	shuffle(rest)
	for _, i := range rest[:c.Draws-len(chosen)] {
		take(i)
	}
	shuffle(chosen)
	asked := make([]Asked, len(chosen))
	for n, i := range chosen {
		order := make([]int, len(c.Questions[i].Choices))
		for k := range order {
			order[k] = k
		}
		shuffle(order)
		asked[n] = Asked{c.Questions[i].ID, order}
	}
	return asked
}

func shuffle(list []int) {
	for i := len(list) - 1; i > 0; i-- {
		j := chance(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}

// chance gives a number below n, each as likely as any other.
func chance(n int) int {
	var b [8]byte
	limit := ^uint64(0) - ^uint64(0)%uint64(n)
	for {
		rand.Read(b[:])
		if v := binary.BigEndian.Uint64(b[:]); v < limit {
			return int(v % uint64(n))
		}
	}
}
