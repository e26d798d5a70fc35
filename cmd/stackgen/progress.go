package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// progress shows on a terminal how far long work has come; elsewhere, and for work below a second, it is silent.
type progress struct {
	phase atomic.Pointer[phase]
	quit  chan struct{}
	ended sync.WaitGroup
	once  sync.Once
}

// phase is one part of the work.
type phase struct {
	name  string
	total int
	done  atomic.Int64
}

func newProgress(w io.Writer) *progress {
	p := &progress{quit: make(chan struct{})}
	if isTerminal(w) && os.Getenv("TERM") != "dumb" {
		p.show(w, time.Second)
	}
	return p
}

// show writes a line at every tick, over the one before, and takes it away at the end.
func (p *progress) show(w io.Writer, tick time.Duration) {
	const clear = "\r\x1b[K"
	p.ended.Go(func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		began := time.Now()
		shown := false
		for {
			select {
			case <-ticker.C:
				if now := p.phase.Load(); now != nil {
					fmt.Fprintf(w, "%s%s: %d of %d (%d s)", clear, now.name, now.done.Load(), now.total, int(time.Since(began).Seconds()))
					shown = true
				}
			case <-p.quit:
				if shown {
					fmt.Fprint(w, clear)
				}
				return
			}
		}
	})
}

// begin starts the next part of the work, which has total steps.
func (p *progress) begin(name string, total int) { p.phase.Store(&phase{name: name, total: total}) }

func (p *progress) step() { p.phase.Load().done.Add(1) }

// stop clears the line; nothing else may be written to the terminal before. It may be called again.
func (p *progress) stop() {
	p.once.Do(func() { close(p.quit) })
	p.ended.Wait()
}

// inParallel calls f for each number below n, on every processor. A panic of f is one of the caller's.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[string]
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					text := fmt.Sprintf("%v\n%s", p, debug.Stack())
					failed.Store(&text)
				}
			}()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
	if text := failed.Load(); text != nil {
		panic(*text)
	}
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
