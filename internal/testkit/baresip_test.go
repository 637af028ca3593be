package testkit

import (
	"testing"
	"time"
)

// Two phones without a server: the helper itself, and what the phone can do.
func TestBaresipPhonesHearEachOther(t *testing.T) {
	alice := Baresip{User: "alice", Mouth: Tone(440, time.Minute)}.Start(t)
	bob := Baresip{User: "bob", Mouth: Tone(1000, time.Minute), Codec: "PCMA"}.Start(t)
	carol := Baresip{User: "carol", Mouth: Tone(1000, time.Minute), Manual: true}.Start(t)

	carol.Call(alice.URI)
	alice.WaitEstablished()
	carol.WaitEstablished()
	carol.Press('5')
	alice.WaitDigit('5', 1, 10*time.Second)
	alice.WaitHeard(2*time.Second, 10*time.Second)
	carol.WaitHeard(2*time.Second, 10*time.Second)
	carol.Hangup()
	alice.WaitClosed()
	carol.WaitClosed()
	hears(t, alice, 1000, 440)
	hears(t, carol, 440, 1000)

	// No codec in common: the call fails, and says so.
	bob.Call(alice.URI)
	if reason := bob.WaitClosed(); reason == "" {
		t.Error("a failed call ended without a reason")
	}
}

// hears checks that the last call of a phone brought one tone and not another.
func hears(t *testing.T, p *Phone, yes, no float64) {
	t.Helper()
	files := p.Heard()
	if len(files) == 0 {
		t.Fatal("nothing was recorded")
	}
	pcm := ReadWAV(t, files[len(files)-1])
	if len(pcm) < 8000 {
		t.Fatalf("only %d samples were heard", len(pcm))
	}
	if y, n := Level(pcm, yes), Level(pcm, no); y < 0.8 || n > 0.01 {
		t.Errorf("%v Hz is %.3f of what was heard, %v Hz %.3f", yes, y, no, n)
	}
}

func TestBaresipRingsUntilAccepted(t *testing.T) {
	alice := Baresip{User: "alice", Manual: true}.Start(t)
	bob := Baresip{User: "bob"}.Start(t)
	bob.Call(alice.URI)
	bob.Wait("CALL_RINGING", 0, 10*time.Second)
	alice.Wait("CALL_INCOMING", 0, 10*time.Second)
	alice.Accept()
	bob.WaitEstablished()
	alice.Hangup()
	bob.WaitClosed()
}

func TestLevelFindsTone(t *testing.T) {
	pcm := Tone(440, time.Second)
	if got := Level(pcm, 440); got < 0.99 || got > 1.01 {
		t.Errorf("440 Hz is %.3f of itself", got)
	}
	shifted := append(append([]int16(nil), pcm[:4010]...), pcm[4019:]...) // half a period is lost
	if got := Level(shifted, 440); got < 0.9 {
		t.Errorf("440 Hz with a jump is %.3f of itself", got)
	}
	if got := Level(pcm, 1000); got > 0.001 {
		t.Errorf("1000 Hz is %.3f of 440 Hz", got)
	}
	if got := Level(make([]int16, 800), 440); got != 0 {
		t.Errorf("silence is %v", got)
	}
}
