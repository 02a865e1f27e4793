package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// Jobs is the queue of work that must happen after a transaction, once it is committed and never if it is not.
// Jobs run at least once; each is written so that running it again does no harm.
type Jobs struct {
	client *river.Client[*sql.Tx]
}

// JobsConfig says what the queue works on.
type JobsConfig struct {
	Workers  *river.Workers // nil: this process only enqueues
	Periodic []*river.PeriodicJob
	Logger   *slog.Logger
	Poll     time.Duration // how often the queue is asked for work; 0: every second
}

func (db *DB) jobDriver() riverdriver.Driver[*sql.Tx] {
	if db.dialect == Postgres {
		return riverdatabasesql.New(db.write)
	}
	return riversqlite.New(db.write)
}

func (db *DB) migrateJobs(ctx context.Context) error {
	m, err := rivermigrate.New(db.jobDriver(), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("reading the job queue's migrations: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("bringing the job queue's schema up to date: %w", db.explain(err))
	}
	return nil
}

// NewJobs makes the queue of this process.
func (db *DB) NewJobs(c JobsConfig) (*Jobs, error) {
	config := &river.Config{Logger: c.Logger, PollOnly: true, FetchPollInterval: time.Second}
	if c.Poll > 0 {
		config.FetchPollInterval = c.Poll
		config.FetchCooldown = min(c.Poll, 100*time.Millisecond)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Workers != nil {
		config.Workers = c.Workers
		config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}}
		config.PeriodicJobs = c.Periodic
	}
	client, err := river.NewClient(db.jobDriver(), config)
	if err != nil {
		return nil, fmt.Errorf("making the job queue: %w", err)
	}
	return &Jobs{client}, nil
}

// Enqueue adds a job within tx.
func (j *Jobs) Enqueue(ctx context.Context, tx *Tx, args river.JobArgs, opts *river.InsertOpts) error {
	if _, err := j.client.InsertTx(ctx, tx.SQL(), args, opts); err != nil {
		return fmt.Errorf("enqueuing %s: %w", args.Kind(), err)
	}
	return nil
}

// Start begins to work on jobs; Stop ends it.
func (j *Jobs) Start(ctx context.Context) error { return j.client.Start(ctx) }

// Stop waits for running jobs until ctx ends.
func (j *Jobs) Stop(ctx context.Context) error { return j.client.Stop(ctx) }
