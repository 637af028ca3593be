package phone

import (
	"slices"
	"testing"
	"time"
)

func TestScript(t *testing.T) {
	for _, tt := range []struct {
		script string
		want   []step
	}{
		{"", nil},
		{" , ,", nil},
		{"1", []step{{keys: "1"}}},
		{"w1.5,2, w3 ,1234#*AD", []step{{wait: 1500 * time.Millisecond}, {keys: "2"}, {wait: 3 * time.Second}, {keys: "1234#*AD"}}},
	} {
		if got, err := parseScript(tt.script); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("parseScript(%q) = %v, %v, want %v", tt.script, got, err, tt.want)
		}
	}
}

func TestScriptFaults(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"w", `read key script: "w" is not a wait (hint: w1.5 waits one and a half seconds)`},
		{"w-1", `read key script: "w-1" is not a wait (hint: w1.5 waits one and a half seconds)`},
		{"wNaN", `read key script: "wNaN" is not a wait (hint: w1.5 waits one and a half seconds)`},
		{"w3601", `read key script: "w3601" is not a wait (hint: w1.5 waits one and a half seconds)`},
		{"1,2x", `read key script: 'x' is not a key (hint: 0-9 * # A-D, and wN to wait)`},
		{"一", `read key script: '一' is not a key (hint: 0-9 * # A-D, and wN to wait)`},
	} {
		if _, err := parseScript(tt.script); err == nil || err.Error() != tt.want {
			t.Errorf("parseScript(%q) = %v\nwant %s", tt.script, err, tt.want)
		}
	}
}
