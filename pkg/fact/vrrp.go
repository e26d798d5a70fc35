package fact

import (
	"math"
	"time"
)

// The arithmetic of VRRP, as RFC 3768 and RFC 5798 have it and keepalived 2.2 carries it out. What a failure does to the
// address and when was measured with two keepalived in namespaces.

// VRRP priorities.
const (
	priorityOwner = 255 // of the address: no weight changes it
	priorityMax   = 254
)

// Owner reports whether the instance owns its addresses: weighted tracks do not count, nothing preempts it.
func (i *VRRPInstance) Owner() bool { return i.Priority.Known() && i.Priority.V == priorityOwner }

// StaysBackup reports whether the instance leaves the address with a holder of lower priority, and whether that is known.
// keepalived clears nopreempt of a MASTER and of an owner.
func (i *VRRPInstance) StaysBackup() (stays, known bool) {
	if i.NoPreempt.Known() && !i.NoPreempt.V {
		return false, true
	}
	known = i.NoPreempt.Known() && i.State.Known() && i.Priority.Known()
	return known && i.State.V != "MASTER" && !i.Owner(), known
}

// PreemptDelay is the time the instance waits in addition before it preempts. keepalived clears it of a MASTER and with
// nopreempt.
func (i *VRRPInstance) PreemptDelay() (d time.Duration, known bool) {
	if i.Delay.Known() && i.Delay.V == 0 {
		return 0, true
	}
	stays, known := i.StaysBackup()
	if !known || !i.State.Known() || !i.Delay.Known() {
		return 0, false
	}
	if stays || i.State.V == "MASTER" {
		return 0, true
	}
	return i.Delay.V, true
}

// Auth is the authentication on the wire: none in version 3, in strict mode, and without both words. Eight bytes of a
// password count.
func (i *VRRPInstance) Auth() (kind, pass string, known bool) {
	if i.Version.Known() && i.Version.V == 3 || i.Strict.Known() && i.Strict.V {
		return "", "", true
	}
	if !i.Version.Known() || !i.Strict.Known() || !i.AuthType.Known() || !i.AuthPass.Known() {
		return "", "", false
	}
	if i.AuthType.V == "" || i.AuthPass.V == "" {
		return "", "", true
	}
	return i.AuthType.V, i.AuthPass.V[:min(8, len(i.AuthPass.V))], true
}

// Weight is what a track is worth to the instance. It does not count where keepalived ignores it: its script is unknown at
// that point, it has a weight and the instance owns its addresses, or it has a weight and the instance is in a sync group
// that does not ask for it.
func (i *VRRPInstance) Weight(t *Track) (weight int, counts, known bool) {
	switch {
	case t.Late, t.Script == nil && t.Kind != "interface" && t.Kind != "bfd":
		return 0, false, !i.Partial && !i.Keepalived.Partial
	case t.Node.Cond != nil || !t.Weight.Known():
		return 0, false, false
	case t.Kind == "interface" && !t.Group && i.Interface.Known() && i.Interface.V == t.Word.Text:
		return 0, false, true // its own: tracked anyway
	case t.Weight.V == 0:
		return 0, true, true
	case !i.Priority.Known():
		return 0, false, false
	case i.Owner():
		return 0, false, true
	case i.Group == nil || t.Group:
		return t.Weight.V, true, true
	case !i.Group.Weighted.Known():
		return 0, false, false
	case i.Group.Weighted.V:
		return t.Weight.V, true, true
	}
	byDefault := len(t.Node.Words) == 1
	// 2.2.7 keeps the weight of a process, against its manual.
	return 0, t.Kind == "interface" || t.Kind == "file" && byDefault, t.Kind != "process"
}

// Effect is what an instance is with some of its tracks failing.
type Effect struct {
	Priority int  // as advertised
	Fault    bool // it gives the address up, whatever the others are
	Known    bool
}

// Effect is the state of the instance when these tracks fail and the others are well: an unweighted track that fails is a
// fault; a positive weight is added while its track is well, a negative one while it fails ("reverse" turns the sign);
// the sum stays within 1 and 254.
func (i *VRRPInstance) Effect(failing ...*Track) Effect {
	e := Effect{Known: i.Priority.Known() && !i.Partial}
	sum := i.Priority.V
	for _, t := range i.Tracks {
		fails := false
		for _, f := range failing {
			fails = fails || f == t
		}
		w, counts, known := i.Weight(t)
		e.Known = e.Known && known
		if !counts {
			continue
		}
		if w == 0 {
			e.Fault = e.Fault || fails != t.Reverse
			continue
		}
		if t.Kind == "file" {
			e.Known = e.Known && !fails // times the number in the file, which is not known; well is 0
			continue
		}
		if (w > 0) == fails {
			continue
		}
		if t.Reverse {
			w = -w
		}
		sum += w
	}
	e.Priority = i.Priority.V
	if !i.Owner() {
		e.Priority = max(1, min(sum, priorityMax))
	}
	return e
}

// Move says whether the address leaves a member, and by which numbers.
type Move struct {
	Moves, Known bool
	Well         Effect        // the member before the failure
	Failed       Effect        // the member after it
	Best         *VRRPInstance // of the others: the one with the highest priority that may take over; nil: none may
	BestEffect   Effect
	Held         []*VRRPInstance // others with a high enough priority that nopreempt forbids
}

// CanMove tells whether the address leaves holder when one of its tracks fails, all else being well: a fault gives it up;
// a lower priority does so only if it is lower than that of another member which may preempt. An equal one is not enough.
func CanMove(holder *VRRPInstance, failing *Track, others []*VRRPInstance) Move {
	m := Move{Well: holder.Effect(), Failed: holder.Effect(failing)}
	m.Known = m.Well.Known && m.Failed.Known
	for _, o := range others {
		e := o.Effect()
		stays, known := o.StaysBackup()
		m.Known = m.Known && e.Known && (known || m.Failed.Fault)
		switch {
		case e.Fault:
		case !m.Failed.Fault && stays:
			if e.Priority > m.Failed.Priority {
				m.Held = append(m.Held, o)
			}
		case m.Best == nil || e.Priority > m.BestEffect.Priority:
			m.Best, m.BestEffect = o, e
		}
	}
	m.Moves = m.Known && m.Best != nil && (m.Failed.Fault || m.BestEffect.Priority > m.Failed.Priority)
	return m
}

// Skew is how long a backup waits after its time is up, so that the one with the highest priority is first:
// (256 - priority) / 256 of a second in version 2, of an advertisement interval in version 3 (VRRP_TIMER_SKEW of
// keepalived's vrrp.h). priority is the effective one.
func (i *VRRPInstance) Skew(priority int) (d time.Duration, known bool) {
	unit := time.Second
	if !i.Version.Known() || i.Version.V == 3 {
		unit = i.Advert.V
	}
	known = i.Advert.Known() && (i.Version.Known() || i.Advert.V == time.Second)
	return time.Duration(256-priority) * unit / 256, known
}

// MasterDown is how long the instance as a backup hears nothing before it takes over. In version 3 it counts in the
// holder's interval, which should be its own.
func (i *VRRPInstance) MasterDown() (d time.Duration, known bool) {
	e := i.Effect()
	skew, known := i.Skew(e.Priority)
	return time.Duration(i.DownAdverts.V)*i.Advert.V + skew, known && e.Known && i.DownAdverts.Known()
}

// Span is a time between two bounds.
type Span struct{ Min, Max time.Duration }

// Add is the sum of two spans.
func (s Span) Add(t Span) Span { return Span{addTime(s.Min, t.Min), addTime(s.Max, t.Max)} }

func addTime(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// HostLost is when the instance takes over from a host that died or lost its network: the last advertisement came up to
// one interval before.
func (i *VRRPInstance) HostLost() (Span, bool) {
	d, known := i.MasterDown()
	return Span{d - i.Advert.V, d}, known
}

// Stopped is when the instance takes over from a keepalived that says goodbye: it stops, or its unweighted check failed.
func (i *VRRPInstance) Stopped() (Span, bool) {
	e := i.Effect()
	d, known := i.Skew(e.Priority)
	return Span{d, d}, known && e.Known
}

// Outvoted is when the instance takes over from a member whose priority fell below its own: it does not listen to
// adverts of a lower priority and waits for its timer.
func (i *VRRPInstance) Outvoted() (Span, bool) {
	d, known := i.MasterDown()
	delay, ok := i.PreemptDelay()
	return Span{d + delay, d + delay}, known && ok
}

// Detect is how long a script takes to find a failure: fall runs, the first of them up to an interval after it. A process
// that is gone refuses at once; one that hangs costs the command's own limit or the script's, whichever ends first.
func (s *VRRPScript) Detect(hangs bool) (Span, bool) {
	if s.Kind != "script" || !s.Interval.Known() || !s.Fall.Known() || s.Fall.V < 1 {
		return Span{}, false
	}
	times := func(n int) time.Duration {
		if n > 0 && s.Interval.V > math.MaxInt64/time.Duration(n) {
			return math.MaxInt64
		}
		return time.Duration(n) * s.Interval.V
	}
	d := Span{times(s.Fall.V - 1), times(s.Fall.V)}
	if !hangs {
		return d, true
	}
	if !s.Timeout.Known() {
		return d, false
	}
	run := s.Timeout.V
	if s.Asks != nil && s.Asks.Timeout.Written() {
		run = min(run, s.Asks.Timeout.V)
	}
	return d.Add(Span{run, run}), true
}
