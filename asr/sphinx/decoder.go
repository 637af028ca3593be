//go:build pocketsphinx

package sphinx

/*
#cgo pkg-config: pocketsphinx
#include <stdlib.h>
#include <pocketsphinx.h>
#include <sphinxbase/err.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/feat.h>

// The figures are those of a trial on telephone sound: wide beams, since a grammar is
// small, and no noise removal, which takes speech with it.
static ps_decoder_t *ivrd_decoder(const char *hmm, const char *dict) {
	err_set_logfp(NULL);
	cmd_ln_t *config = cmd_ln_init(NULL, ps_args(), TRUE,
		"-hmm", hmm, "-dict", dict, "-samprate", "16000",
		"-beam", "1e-80", "-pbeam", "1e-80", "-wbeam", "1e-60",
		"-remove_noise", "no", "-wip", "0.05", "-bestpath", "no", NULL);
	if (config == NULL) {
		return NULL;
	}
	ps_decoder_t *ps = ps_init(config);
	cmd_ln_free_r(config);
	return ps;
}

static int ivrd_mean_length(ps_decoder_t *ps) { return ps_get_feat(ps)->cmn_struct->veclen; }
static void ivrd_mean(ps_decoder_t *ps, mfcc_t *v) { cmn_live_get(ps_get_feat(ps)->cmn_struct, v); }
static void ivrd_set_mean(ps_decoder_t *ps, const mfcc_t *v) { cmn_live_set(ps_get_feat(ps)->cmn_struct, v); }
*/
import "C"

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"unsafe"

	"github.com/ivrd/ivrd/media"
)

// engineRate is that of the acoustic model, in Hz.
const engineRate = 16000

// dither is the amplitude of the white noise that is added after upsampling: without
// it the model's filters from 4 to 6.8 kHz hear nothing at all, which no speech of
// its training was like. On telephone sound it is worth a third of all commands.
const dither = 150

// Decoder is one recogniser of PocketSphinx, about 34 MB. It is for one goroutine at a
// time.
type Decoder struct {
	ps    *C.ps_decoder_t
	fresh []C.mfcc_t // the cepstral mean as the model has it
	up    *media.Resampler
	wide  []int16
	noise *rand.PCG
	named string // the grammar that is set
}

// NewDecoder loads the American English model from a directory that has en-us and
// cmudict-en-us.dict, as Debian's pocketsphinx-en-us installs it.
func NewDecoder(model string) (*Decoder, error) {
	hmm, dict := C.CString(filepath.Join(model, "en-us")), C.CString(filepath.Join(model, "cmudict-en-us.dict"))
	defer C.free(unsafe.Pointer(hmm))
	defer C.free(unsafe.Pointer(dict))
	ps := C.ivrd_decoder(hmm, dict)
	if ps == nil {
		return nil, fmt.Errorf("load speech model: %s has none (hint: install pocketsphinx-en-us)", model)
	}
	up, err := media.NewResampler(media.SampleRate, engineRate)
	if err != nil {
		return nil, err
	}
	d := &Decoder{ps: ps, up: up, fresh: make([]C.mfcc_t, C.ivrd_mean_length(ps)), noise: rand.NewPCG(1, 2)}
	copy(d.fresh, d.mean())
	return d, nil
}

// mean is the cepstral mean of what has been heard.
func (d *Decoder) mean() []C.mfcc_t {
	m := make([]C.mfcc_t, len(d.fresh))
	C.ivrd_mean(d.ps, &m[0])
	return m
}

// Close frees the decoder.
func (d *Decoder) Close() { C.ps_free(d.ps) }

// Begin starts to listen for a grammar, as if nobody had been heard before: the mean
// of one caller's sound must not colour the next one's.
func (d *Decoder) Begin(grammar string) error {
	if grammar != d.named {
		name, text := C.CString("menu"), C.CString(grammar)
		defer C.free(unsafe.Pointer(name))
		defer C.free(unsafe.Pointer(text))
		if C.ps_set_jsgf_string(d.ps, name, text) != 0 || C.ps_set_search(d.ps, name) != 0 {
			d.named = ""
			return errors.New("set grammar: the engine refuses it")
		}
		d.named = grammar
	}
	C.ivrd_set_mean(d.ps, &d.fresh[0])
	d.up.Reset()
	if C.ps_start_stream(d.ps) != 0 || C.ps_start_utt(d.ps) != 0 {
		return errors.New("begin utterance: the engine refuses it")
	}
	return nil
}

// Write hears 8 kHz sound, frame by frame.
func (d *Decoder) Write(pcm []int16) error {
	for len(pcm) > 0 {
		n := min(len(pcm), media.FrameSamples)
		if room := d.up.Room(n); len(d.wide) < room {
			d.wide = make([]int16, room)
		}
		wide := d.wide[:d.up.Resample(d.wide, pcm[:n])]
		pcm = pcm[n:]
		for i, s := range wide {
			wide[i] = int16(min(max(int(s)+int(d.noise.Uint64()>>32%(2*dither+1))-dither, -32768), 32767)) //nolint:gosec // limited
		}
		if len(wide) > 0 && C.ps_process_raw(d.ps, (*C.int16)(unsafe.Pointer(&wide[0])), C.size_t(len(wide)), 0, 0) < 0 {
			return errors.New("hear: the engine fails")
		}
	}
	return nil
}

// Said is what has been understood so far.
func (d *Decoder) Said() string {
	hyp := C.ps_get_hyp(d.ps, nil)
	if hyp == nil {
		return ""
	}
	return C.GoString(hyp)
}

// End ends the utterance and tells what was said, "" for nothing.
func (d *Decoder) End() (string, error) {
	if C.ps_end_utt(d.ps) != 0 {
		return "", errors.New("end utterance: the engine fails")
	}
	return d.Said(), nil
}
