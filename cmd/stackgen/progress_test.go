package main

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a terminal that two goroutines may look at.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestProgress(t *testing.T) {
	var s screen
	p := &progress{quit: make(chan struct{})}
	p.show(&s, time.Millisecond)
	time.Sleep(10 * time.Millisecond)
	if s.String() != "" {
		t.Errorf("%q before there is any work", s.String())
	}
	p.begin("writing stacks", 3)
	p.step()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.String(), "writing stacks: 1 of 3"); {
		if time.Now().After(deadline) {
			t.Fatalf("no progress in %q", s.String())
		}
		time.Sleep(time.Millisecond)
	}
	p.stop()
	p.stop()
	got := s.String()
	if !strings.HasSuffix(got, "\r\x1b[K") || strings.Contains(got, "\n") {
		t.Errorf("the line is not taken away: %q", got)
	}
	for line := range strings.SplitSeq(got, "\r\x1b[K") {
		if !regexp.MustCompile(`^(writing stacks: [01] of 3 \(\d+ s\))?$`).MatchString(line) {
			t.Errorf("%q", line)
		}
	}
	time.Sleep(5 * time.Millisecond)
	if s.String() != got {
		t.Error("something was written after stop")
	}
}

func TestProgressIsSilentElsewhere(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.begin("writing stacks", 1)
	time.Sleep(1100 * time.Millisecond) // longer than a tick
	p.step()
	p.stop()
	if b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
}

// TestInternalError makes sure that a mistake of the program's is not taken for one of the user's, which exits with 2.
func TestInternalError(t *testing.T) {
	defer func() {
		if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "the third\n") {
			t.Errorf("got %v", p)
		}
	}()
	inParallel(5, func(i int) {
		if i == 2 {
			panic("the third")
		}
	})
	t.Error("the panic was lost")
}
