// Package speech gives tests of sound something to listen to, and measures that
// tell how far what was heard is from what was said.
package speech

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
)

// Voice is a text and who speaks it, as espeak-ng names voices.
type Voice struct{ Name, Text string }

// Voices are those that the figures of bad lines are measured with: low and
// high, in English and Chinese, about ten seconds each.
func Voices() []Voice {
	return []Voice{
		{"en-us", "Welcome to the customer service of the northern lights telephone company. Please tell me in a few words what you would like to do today. You can say billing, technical support, or speak with an agent."},
		{"en-gb+f3", "My name is Margaret Thompson and I am calling about the invoice from last month. The amount is three hundred and forty two euros, which seems much too high. Could somebody please check it and call me back?"},
		{"cmn", "您好，欢迎致电客户服务中心。请说出您要办理的业务，例如查询余额，办理套餐，或者转接人工服务。谢谢您的耐心等待。"},
		{"en-us+m3", "The train to the airport leaves every twenty minutes from platform nine. Tickets can be bought on board, but it is cheaper to buy them at the machine. Have a pleasant journey and thank you for travelling with us."},
	}
}

// Say has espeak-ng speak at a rate in Hz, at about -26 dBov while it speaks.
func (v Voice) Say(t testing.TB, rate int) []int16 {
	t.Helper()
	testkit.Need(t, "espeak-ng")
	cmd := exec.CommandContext(t.Context(), "espeak-ng", "--stdin", "--stdout", "-b", "1", "-v", v.Name)
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
