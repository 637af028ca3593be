package intent

import (
	"regexp"
	"sync"
)

// compiled is a pattern that is compiled when it is first used: most runs of the
// program look for no entity.
func compiled(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
