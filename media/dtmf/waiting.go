package dtmf

// maxQueued is how many keys wait at most.
const maxQueued = 128

// waiting are keys to be sent, by Sender or Tones.
type waiting struct{ queue []byte }

// Queue appends keys. It refuses, as a whole, what holds anything that is no
// key, and silently drops what goes beyond 128 waiting keys.
func (w *waiting) Queue(digits string) error {
	if err := Check(digits); err != nil {
		return err
	}
	room := maxQueued - len(w.queue)
	w.queue = append(w.queue, digits[:min(room, len(digits))]...)
	return nil
}

// Active reports whether a key is being sent or waits: no other sound should
// be sent meanwhile.
func (w *waiting) Active() bool { return len(w.queue) > 0 }

// first is the key that is being sent.
func (w *waiting) first() byte { return w.queue[0] }

// done takes it out.
func (w *waiting) done() { w.queue = w.queue[:copy(w.queue, w.queue[1:])] }
