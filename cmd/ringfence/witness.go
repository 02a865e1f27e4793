package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"ringfence/internal/ledger/witness"
)

// witnessCommand is a small witness for somebody whom the carrier does not pay: it needs no database and nothing of Ringfence's configuration.
type witnessCommand struct {
	Name   string   `required:"" placeholder:"NAME" help:"The witness' name, such as witness.partner.example; it stands in each cosignature."`
	Key    string   `required:"" placeholder:"FILE" help:"The file of its private key; one is made where there is none."`
	State  string   `required:"" placeholder:"FILE" help:"The file of what it has cosigned. Lose it and the witness can be led to cosign two ledgers under one name: keep it, and never put an older copy back."`
	Log    []string `required:"" placeholder:"KEY" sep:"none" help:"The public key of a ledger that it cosigns; may be given again."`
	Listen string   `default:"127.0.0.1:7380" placeholder:"HOST:PORT" help:"Where it answers; put HTTPS before it."`
}

// Timeouts of the witness' connections.
const (
	witnessRead = 10 * time.Second
	witnessStop = 5 * time.Second
)

// Run cosigns until it is told to stop.
//
// cite: P-41
func (c *witnessCommand) Run(ctx context.Context, s streams) error {
	private, err := witnessKey(c.Key)
	if err != nil {
		return err
	}
	w, err := witness.OpenWitness(c.Name, private, c.Log, c.State)
	if err != nil {
		return err
	}
	socket, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening at %s: %w; is another program there?", c.Listen, err)
	}
	if _, err := fmt.Fprintf(s.out, "The witness answers at http://%s. Its public key, for ledger.witnesses and for --witness:\n%s\n", socket.Addr(), w.VerifierKey()); err != nil {
		return errors.Join(err, socket.Close())
	}
	server := &http.Server{Handler: w.Handler(), ReadTimeout: witnessRead, WriteTimeout: witnessRead, IdleTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(socket) }()
	select {
	case err = <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), witnessStop)
	defer cancel()
	err = server.Shutdown(last)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// witnessKey reads a witness' private key, and makes one in a new file that its owner alone can read where there is none.
func witnessKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return string(text), err
	}
	private, err := witness.NewWitnessKey()
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("making the witness' key file: %w", err)
	}
	_, err = f.WriteString(private + "\n")
	return private, errors.Join(err, f.Sync(), f.Close())
}
