//go:build pocketsphinx

package sphinx

import (
	"os/exec"
	"strings"
	"testing"

	"bytes"
	"github.com/ivrd/ivrd/media"
)

const model = "/usr/share/pocketsphinx/model/en-us"

func say(t testing.TB, voice, text string) []int16 {
	t.Helper()
	out, err := exec.Command("espeak-ng", "-v", voice, "-s", "150", "--stdout", text).Output()
	if err != nil {
		t.Fatal(err)
	}
	pcm, rate, err := media.ReadWAV(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	down := media.Resample(pcm, rate, media.SampleRate)
	for i, s := range down {
		var b [1]byte
		media.PCMU.Encode(b[:], []int16{s})
		var p [1]int16
		media.PCMU.Decode(p[:], b[:])
		down[i] = p[0]
	}
	quiet := make([]int16, 2400)
	return append(append(append([]int16{}, quiet...), down...), quiet...)
}

func TestTry(t *testing.T) {
	d, err := NewDecoder(model)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	phrases := strings.Split("billing,account balance,lost card,technical support,sales,opening hours,speak to an agent,transfer money,report fraud,new order,track my order,cancel my order,change my address,repeat,main menu", ",")
	g, err := Grammar(nil, phrases)
	if err != nil {
		t.Fatal(err)
	}
	right, all := 0, 0
	for _, v := range []string{"en-us", "en-us+f3", "en-gb", "en-gb+f2"} {
		for _, p := range phrases {
			if err := d.Begin(g); err != nil {
				t.Fatal(err)
			}
			if err := d.Write(say(t, v, p)); err != nil {
				t.Fatal(err)
			}
			said, err := d.End()
			if err != nil {
				t.Fatal(err)
			}
			all++
			if Match(phrases, said) == p {
				right++
			} else {
				t.Logf("%s %q: %q", v, p, said)
			}
		}
	}
	t.Logf("%d of %d", right, all)
}
