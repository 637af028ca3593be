package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ivrd/ivrd/internal/secret"
)

// Secret is a string that cannot be printed, logged or marshalled.
type Secret = secret.Text

// Size is a number of bytes, written as 64MiB, 10GB or a plain number.
type Size int64

var errSize = errors.New("wants a size such as 512KiB, 64MiB or 10GB")

// UnmarshalText parses a size.
func (s *Size) UnmarshalText(b []byte) error {
	units := []struct {
		suffix string
		factor float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"", 1}}
	text := strings.TrimSpace(string(b))
	for _, u := range units {
		num, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
		if err != nil || math.IsNaN(f) || f < 0 || f*u.factor > math.MaxInt64/2 {
			return errSize
		}
		*s = Size(f * u.factor)
		return nil
	}
	return errSize
}

// PortRange is "first-last".
func PortRange(s string) (first, last uint16, err error) {
	a, b, ok := strings.Cut(s, "-")
	lo, err1 := strconv.ParseUint(strings.TrimSpace(a), 10, 16)
	hi, err2 := strconv.ParseUint(strings.TrimSpace(b), 10, 16)
	if !ok || err1 != nil || err2 != nil || lo < 1024 || hi < lo+1 {
		return 0, 0, fmt.Errorf("wants a range of ports from 1024 up, such as 16384-32767, got %q", s)
	}
	return uint16(lo), uint16(hi), nil
}

// Skill is "name:proficiency", from 1 to 5.
func Skill(s string) (name string, proficiency int, err error) {
	name, grade, _ := strings.Cut(s, ":")
	proficiency, err = strconv.Atoi(grade)
	if name == "" || err != nil || proficiency < 1 || proficiency > 5 {
		return "", 0, fmt.Errorf("wants a skill with its proficiency from 1 to 5, got %q", s)
	}
	return name, proficiency, nil
}
