// Package speech gives tests of sound something to listen to, and measures that
// tell how far what was heard is from what was said.
package speech

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
)

// Voice is a text and who speaks it, as espeak-ng names voices.
type Voice struct {
	Name, Text string
	Speed      int // words a minute, 0 for espeak-ng's own
}

// Voices are those that the figures of bad lines are measured with: low and
// high, in English and Chinese, about ten seconds each.
func Voices() []Voice {
	return []Voice{
		{Name: "en-us", Text: "Welcome to the customer service of the northern lights telephone company. Please tell me in a few words what you would like to do today. You can say billing, technical support, or speak with an agent."},
		{Name: "en-gb+f3", Text: "My name is Margaret Thompson and I am calling about the invoice from last month. The amount is three hundred and forty two euros, which seems much too high. Could somebody please check it and call me back?"},
		{Name: "cmn", Text: "您好，欢迎致电客户服务中心。请说出您要办理的业务，例如查询余额，办理套餐，或者转接人工服务。谢谢您的耐心等待。"},
		{Name: "en-us+m3", Text: "The train to the airport leaves every twenty minutes from platform nine. Tickets can be bought on board, but it is cheaper to buy them at the machine. Have a pleasant journey and thank you for travelling with us."},
	}
}

// Say has espeak-ng speak at a rate in Hz, at about -26 dBov while it speaks.
func (v Voice) Say(t testing.TB, rate int) []int16 {
	t.Helper()
	testkit.Need(t, "espeak-ng")
	args := []string{"--stdin", "--stdout", "-b", "1", "-v", v.Name}
	if v.Speed > 0 {
		args = append(args, "-s", strconv.Itoa(v.Speed))
	}
	cmd := exec.CommandContext(t.Context(), "espeak-ng", args...)
	cmd.Stdin = strings.NewReader(v.Text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("speak with espeak-ng: %v", err)
	}
	pcm, from, err := media.ReadWAV(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return level(media.Resample(pcm, from, rate))
}

// Recorded is the speech in the WAV files of a directory, at a rate in Hz and at
// about -26 dBov while somebody speaks.
func Recorded(t testing.TB, dir string, rate int) (said [][]int16) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.wav"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no WAV files in %s: %v", dir, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pcm, from, err := media.ReadWAV(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		said = append(said, level(media.Resample(pcm, from, rate)))
	}
	return said
}
