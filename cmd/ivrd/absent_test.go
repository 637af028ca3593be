package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
)

// TestAbsence: an agent whose phones have gone is signed off after a while, one
// whose page comes back in time is not, nor one who never had a phone.
func TestAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := routing.New(routing.Config{Queues: []routing.Queue{{Name: "fraud"}}}, memstore.New())
		d.Start()
		defer d.Close()
		for _, name := range []string{"alice", "bob", "carol", "dan"} {
			if err := d.SetAgent(ctx, routing.Agent{Name: name, Queues: []string{"fraud"}}); err != nil {
				t.Fatal(err)
			}
			if err := d.Wish(ctx, name, routing.Ready, ""); err != nil {
				t.Fatal(err)
			}
		}
		phones := map[string]bool{"alice": true, "bob": true}
		a := &absence{desk: d, registered: func(user string) bool { return phones[user] }, seen: map[string]time.Time{}}
		look := func(d time.Duration) {
			for range d / absentEvery {
				time.Sleep(absentEvery)
				a.look(ctx, time.Now())
			}
		}
		a.came("dan") // and has gone before anybody looked
		look(absentEvery)
		phones["alice"], phones["bob"] = false, false
		look(absentAfter - 2*absentEvery)
		phones["bob"] = true
		look(absentAfter)
		all, err := d.Agents(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, agent := range all {
			want := routing.Ready
			if agent.Name == "alice" || agent.Name == "dan" {
				want = routing.Offline
			}
			if agent.State != want {
				t.Errorf("%s is %s, want %s", agent.Name, agent.State, want)
			}
		}
		done := make(chan struct{})
		go func() { a.watch(ctx); close(done) }()
		cancel()
		<-done
	})
}
