package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
)

// spell gives query as the database takes it. To SQLite $2 is a name, and names are numbered as they come; ?2 is the
// second parameter wherever it stands.
func (db *DB) spell(query string) string {
	if db.dialect == Postgres || !strings.Contains(query, "$") {
		return query
	}
	b := []byte(query)
	quoted := false
	for i, c := range b {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '$' && !quoted:
			b[i] = '?'
		}
	}
	return string(b)
}

// statements keeps prepared the queries that run often. Queries are constants of the program, so there are few.
type statements struct {
	mu     sync.Mutex
	byPool map[*sql.DB]map[string]*sql.Stmt
	wanted map[*sql.DB][]string // by transactions, to be prepared before the next one begins
}

// mostStatements bounds the cache of a pool; past it queries run unprepared.
const mostStatements = 400

// prepared gives the prepared form of query, or nil when it cannot be had yet; the caller then runs it unprepared. Where
// there is one connection a transaction has it, and nothing can be prepared beside: then the next one finds it. The
// driver of PostgreSQL keeps statements itself, by connection.
func (db *DB) prepared(ctx context.Context, pool *sql.DB, query string) *sql.Stmt {
	if db.dialect == Postgres {
		return nil
	}
	s := &db.stmts
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.byPool[pool][query]; ok {
		return st
	}
	if len(s.byPool[pool])+len(s.wanted[pool]) >= mostStatements {
		return nil
	}
	if pool == db.write {
		if !slices.Contains(s.wanted[pool], query) {
			if s.wanted == nil {
				s.wanted = map[*sql.DB][]string{}
			}
			s.wanted[pool] = append(s.wanted[pool], query)
		}
		return nil
	}
	st, err := pool.PrepareContext(ctx, db.spell(query))
	if err != nil {
		return nil // whoever runs it hears why
	}
	s.keep(pool, query, st)
	return st
}

// prepareWanted prepares what transactions of pool have asked for, before the next one begins.
func (db *DB) prepareWanted(ctx context.Context, pool *sql.DB) {
	s := &db.stmts
	s.mu.Lock()
	wanted := s.wanted[pool]
	delete(s.wanted, pool)
	s.mu.Unlock()
	for _, query := range wanted {
		st, err := pool.PrepareContext(ctx, db.spell(query))
		if err != nil {
			continue
		}
		s.mu.Lock()
		if _, twice := s.byPool[pool][query]; twice {
			st.Close()
		} else {
			s.keep(pool, query, st)
		}
		s.mu.Unlock()
	}
}

func (s *statements) keep(pool *sql.DB, query string, st *sql.Stmt) {
	if s.byPool == nil {
		s.byPool = map[*sql.DB]map[string]*sql.Stmt{}
	}
	if s.byPool[pool] == nil {
		s.byPool[pool] = map[string]*sql.Stmt{}
	}
	s.byPool[pool][query] = st
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.byPool {
		for _, st := range m {
			st.Close()
		}
	}
	s.byPool, s.wanted = nil, nil
}
