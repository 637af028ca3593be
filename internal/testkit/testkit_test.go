package testkit

import "testing"

// More draws than ports: two tests at once have none in common, and what a
// test had is there again after it.
func TestPortsAreGivenOnce(t *testing.T) {
	for range 2 {
		t.Run("", func(t *testing.T) {
			seen := map[int]bool{}
			for range 150 {
				first := Ports(t, 20)
				for p := first; p < first+20; p++ {
					if seen[p] {
						t.Fatalf("port %d was given twice", p)
					}
					seen[p] = true
				}
			}
		})
	}
	if len(given.ports) != 0 {
		t.Errorf("%d ports are still given away", len(given.ports))
	}
}
