package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// progress shows on a terminal how far long work has come; elsewhere, and for work below a second, it is silent.
type progress struct {
	w     io.Writer
	total int
	done  atomic.Int64
	name  atomic.Value // string
	quit  chan struct{}
	ended sync.WaitGroup
	once  sync.Once
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, total: total, quit: make(chan struct{})}
	if !isTerminal(w) {
		return p
	}
	p.ended.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		shown := false
		for {
			select {
			case <-tick.C:
				name, _ := p.name.Load().(string)
				fmt.Fprintf(w, "\r\x1b[K%s: %d of %d", name, p.done.Load(), p.total)
				shown = true
			case <-p.quit:
				if shown {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			}
		}
	})
	return p
}

// phase begins the next part of the work.
func (p *progress) phase(name string) {
	p.name.Store(name)
	p.done.Store(0)
}

func (p *progress) step() { p.done.Add(1) }

// stop clears the line; it may be called again.
func (p *progress) stop() {
	p.once.Do(func() { close(p.quit) })
	p.ended.Wait()
}

// inParallel calls f for each number below n, on every processor.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
