package fact

import (
	"fmt"
	"testing"
	"time"
)

func vrrpMember(t *testing.T, priority int, weight, more string) *VRRPInstance {
	t.Helper()
	if weight != "" {
		weight = "weight " + weight
	}
	k, _ := testKeepalived(t, keepalivedPath, fmt.Sprintf(`vrrp_script chk {
  script "/usr/bin/pidof haproxy"
  interval 2
  fall 2
  %s
}
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority %d
  track_script {
    chk
  }
  %s
}
`, weight, priority, more))
	return k.Instances[0]
}

// TestCanMove: two members, the check of the first fails; measured with keepalived 2.2.7.
func TestCanMove(t *testing.T) {
	for _, test := range []struct {
		name            string
		high, low       int
		weight          string
		moreHigh, more  string
		moves           bool
		failed, best    int
		fault, knownNot bool
	}{
		{name: "too little", high: 110, low: 100, weight: "-5", failed: 105, best: 100},
		{name: "equal", high: 110, low: 100, weight: "-10", failed: 100, best: 100},
		{name: "enough", high: 110, low: 100, weight: "-20", moves: true, failed: 90, best: 100},
		{name: "positive, too little", high: 110, low: 100, weight: "5", failed: 110, best: 105},
		{name: "positive, enough", high: 110, low: 100, weight: "20", moves: true, failed: 110, best: 120},
		{name: "cut at 254", high: 250, low: 200, weight: "60", moves: true, failed: 250, best: 254},
		{name: "cut at 254, no room", high: 254, low: 200, weight: "60", failed: 254, best: 254},
		{name: "nopreempt", high: 110, low: 100, weight: "-20", moreHigh: "nopreempt", more: "nopreempt", failed: 90},
		{name: "nopreempt of a master", high: 110, low: 100, weight: "-20", more: "nopreempt\nstate MASTER", moves: true, failed: 90, best: 100},
		{name: "fault", high: 110, low: 100, moves: true, failed: 110, best: 100, fault: true},
		{name: "fault, nopreempt", high: 110, low: 100, moreHigh: "nopreempt", more: "nopreempt", moves: true, failed: 110, best: 100, fault: true},
		{name: "owner", high: 255, low: 100, weight: "-200", failed: 255, best: 100},
		{name: "not known", high: 110, low: 100, weight: "$W", knownNot: true, failed: 110, best: 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := vrrpMember(t, test.high, test.weight, test.moreHigh)
			l := vrrpMember(t, test.low, test.weight, test.more)
			m := CanMove(h, h.Tracks[0], []*VRRPInstance{l})
			if m.Moves != test.moves || m.Known == test.knownNot || m.Failed.Priority != test.failed || m.Failed.Fault != test.fault || m.BestEffect.Priority != test.best {
				t.Errorf("%+v", m)
			}
			if test.name == "nopreempt" && (len(m.Held) != 1 || m.Best != nil) {
				t.Errorf("held: %+v", m)
			}
		})
	}
}

func TestEffectReverse(t *testing.T) {
	i := vrrpMember(t, 100, "3 reverse", "track_interface {\neth1 weight -4\neth2\n}")
	check, eth1, eth2 := i.Tracks[0], i.Tracks[1], i.Tracks[2]
	for _, test := range []struct {
		failing []*Track
		want    Effect
	}{
		{nil, Effect{Priority: 97, Known: true}},
		{[]*Track{check}, Effect{Priority: 100, Known: true}},
		{[]*Track{check, eth1}, Effect{Priority: 96, Known: true}},
		{[]*Track{eth2}, Effect{Priority: 97, Fault: true, Known: true}},
	} {
		if got := i.Effect(test.failing...); got != test.want {
			t.Errorf("%d failing: %+v, want %+v", len(test.failing), got, test.want)
		}
	}
	if i = vrrpMember(t, 100, "0 reverse", ""); !i.Effect().Fault || i.Effect(i.Tracks[0]).Fault {
		t.Error("reverse without a weight: the instance is down while the check is well")
	}
}

// TestVRRPTimes compares with what was measured between two members in namespaces.
func TestVRRPTimes(t *testing.T) {
	ms := func(a, b int) Span {
		return Span{time.Duration(a) * time.Millisecond, time.Duration(b) * time.Millisecond}
	}
	near := func(name string, got Span, known bool, want Span) {
		t.Helper()
		if !known || (got.Min-want.Min).Abs() > time.Millisecond || (got.Max-want.Max).Abs() > time.Millisecond {
			t.Errorf("%s: %v %v, want %v", name, got, known, want)
		}
	}
	i := vrrpMember(t, 100, "", "")
	lost, known := i.HostLost()
	near("dead host", lost, known, ms(2609, 3609))
	stop, known := i.Stopped()
	near("clean stop", stop, known, ms(609, 609))

	i = vrrpMember(t, 249, "", "version 3\nadvert_int 0.2")
	lost, known = i.HostLost()
	near("dead host, fast", lost, known, ms(405, 605))
	i = vrrpMember(t, 100, "-20", "advert_int 2\npreempt_delay 5\ndown_timer_adverts 2")
	out, known := i.Outvoted()
	near("outvoted", out, known, ms(9609, 9609)) // version 2: the skew is of a second
	if _, known = vrrpMember(t, 100, "", "advert_int $A").HostLost(); known {
		t.Error("an unknown interval gives a known time")
	}

	s := i.Keepalived.Scripts[0]
	found, known := s.Detect(false)
	near("check", found, known, ms(2000, 4000))
	found, known = s.Detect(true)
	near("check of a process that hangs", found, known, ms(4000, 6000))
}

func TestVRRPAuth(t *testing.T) {
	const auth = "authentication {\nauth_type PASS\nauth_pass longer-than-eight\n}\n"
	for more, want := range map[string]string{
		auth:                 "PASS longer-t true",
		auth + "version 3":   "  true",
		auth + "strict_mode": "  true",
		"authentication {\nauth_type PASS auth_pass x\n}": "  true",
		auth + "version $V": "  false",
	} {
		kind, pass, known := vrrpMember(t, 100, "", more).Auth()
		if got := fmt.Sprint(kind, " ", pass, " ", known); got != want {
			t.Errorf("%q: %q, want %q", more, got, want)
		}
	}
}
