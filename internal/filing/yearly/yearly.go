// Package yearly counts what a year of keeping the rules came to, month by month: decisions and refusals, where approvals stood, how long
// answers and notices took, who was trained, what was reviewed, filed and destroyed. Every number is a number of records that can be listed;
// nothing sealed is opened for it but the files of incidents and failures, which are few.
//
// cite: P-41, 47 CFR 64.2009(e)
package yearly

import (
	"context"
	"sync"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/process"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/training"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
)

// Parts are what a Book counts from.
type Parts struct {
	DB        *store.DB
	Staff     *staff.Register
	Training  *training.School
	Watch     *watch.Watch
	Approvals *approval.Book
	Processes *process.Register
	Incidents *breach.Desk
	Failures  *filing.Desk
	Calendars *workday.Calendars
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's, by whose months everything is counted
	// Use gives the use for which it is told where approvals stood.
	Use func() approval.Use
}

// Book counts years.
type Book struct {
	Parts
	counting sync.Mutex
	next     time.Time // Count does nothing before
}

// New opens the book.
func New(p Parts) *Book { return &Book{Parts: p} }

// Months is how many months a year has.
const Months = 12

// Unit is what a number counts.
type Unit string

// The units.
const (
	Records      Unit = "records"       // each is a record that List gives
	Seconds      Unit = "seconds"       // of time between two records
	Days         Unit = "days"          // calendar days of the carrier's zone
	BusinessDays Unit = "business-days" // federal ones
)

// Cell is one number. Of a month that is to come, from before anything was kept, or that was not counted, nothing is known.
type Cell struct {
	Known bool
	N     int64
}

// Series is one number by month. Of times a month has one where something was answered or told in it.
type Series struct {
	Key   string // names it in addresses, in the API and in files
	Title string
	Unit  Unit
	Of    string // of a time: the series whose records it is of
	Cells [Months]Cell
	// Sum says that the months can be added up, and Total is their sum; of a time it is the time over the whole year.
	Sum   bool
	Total Cell
}

// Section is numbers that belong together.
type Section struct {
	Key, Title string
	Says       string // what is counted and how
	Series     []Series
	AsOf       time.Time // when the newest month of it was counted; zero: at this moment
}

// Empty reports whether nothing is on record in a month, 0 being January.
func (s Section) Empty(month int) bool {
	for _, x := range s.Series {
		if c := x.Cells[month]; c.Known && c.N != 0 {
			return false
		}
	}
	return true
}

// Year is a year as it stands now.
type Year struct {
	Year     int
	At       time.Time
	Sections []Section
}

// Series finds a series by its key; nil: the year has none, as of codes with which nothing was refused, or of what the reader may not know.
func (y *Year) Series(key string) *Series {
	for i := range y.Sections {
		for j := range y.Sections[i].Series {
			if s := &y.Sections[i].Series[j]; s.Key == key {
				return s
			}
		}
	}
	return nil
}

// month says in which month of a year a moment lies; ok is false when it lies in another year.
func (b *Book) month(year int, at time.Time) (month int, ok bool) {
	d := workday.DateIn(at, b.Zone)
	return int(d.Month) - 1, d.Year == year
}

// begins is the first moment of a month; month 12 is January of the year after.
func (b *Book) begins(year, month int) time.Time {
	return workday.On(year, time.Month(month+1), 1).Start(b.Zone)
}

// Span is the stretch of a year: the first moment, and the first that is not in it. Month 0 is January; -1 is all of it.
func (b *Book) Span(year, month int) (from, to time.Time) {
	if month < 0 {
		return b.begins(year, 0), b.begins(year, Months)
	}
	return b.begins(year, month), b.begins(year, month+1)
}

// Right is what reading a year takes; of incidents and failures it also takes ReadIncidents, without which nothing of them is counted, and
// the records behind a number take ReadRegisters.
//
// cite: P-37, 47 CFR 64.2010(a)
const Right = staff.ReadRecords

// reader is who reads a year.
type reader struct {
	id        cpni.ID
	incidents bool
}

func (b *Book) reader(ctx context.Context, by cpni.ID, rights ...staff.Right) (reader, error) {
	m, _, err := b.Staff.Get(ctx, by)
	if err != nil {
		return reader{}, err
	}
	for _, right := range rights {
		if refusal := m.Barred(right); refusal != nil {
			return reader{}, refusal
		}
	}
	return reader{by, m.May(staff.ReadIncidents)}, nil
}

// Year gives a year to a member of the staff. What is dear to count stands as it was counted last.
//
// cite: P-37, P-41
func (b *Book) Year(ctx context.Context, year int, by cpni.ID) (*Year, error) {
	who, err := b.reader(ctx, by, Right)
	if err != nil {
		return nil, err
	}
	t, err := b.tables(ctx, year, who)
	if err != nil {
		return nil, err
	}
	y := &Year{Year: year, At: t.now}
	for _, s := range []Section{t.glance(), t.approvals(), t.refusals(), t.answers(), t.notify(), t.training(), t.notices(), t.work()} {
		if len(s.Series) > 0 {
			y.Sections = append(y.Sections, s)
		}
	}
	return y, nil
}
