//go:build pocketsphinx

package sphinx

/*
#cgo pkg-config: pocketsphinx
#include <stdlib.h>
#include <pocketsphinx.h>
#include <sphinxbase/err.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/feat.h>

static ps_decoder_t *ivrd_decoder(int n, char **args) {
	err_set_logfp(NULL);
	cmd_ln_t *config = cmd_ln_parse_r(NULL, ps_args(), n, args, TRUE);
	if (config == NULL) {
		return NULL;
	}
	ps_decoder_t *ps = ps_init(config);
	cmd_ln_free_r(config);
	return ps;
}

// The engine takes the mean of all that it has heard, but not before the utterance is
// over; this takes it of the utterance itself, with a mean from before that weighs as
// much as some frames of it.
static int ivrd_mean_length(ps_decoder_t *ps) { return ps_get_feat(ps)->cmn_struct->veclen; }

static void ivrd_start_mean(ps_decoder_t *ps, const float *mean, int weight) {
	cmn_t *c = ps_get_feat(ps)->cmn_struct;
	for (int i = 0; i < c->veclen; i++) {
		c->cmn_mean[i] = FLOAT2MFCC(mean[i]);
		c->sum[i] = c->cmn_mean[i] * weight;
	}
	c->nframe = weight;
}

static void ivrd_mean(ps_decoder_t *ps, float *out) {
	cmn_t *c = ps_get_feat(ps)->cmn_struct;
	for (int i = 0; i < c->veclen; i++) {
		out[i] = MFCC2FLOAT(c->cmn_mean[i]);
	}
}

static void ivrd_follow_mean(ps_decoder_t *ps) {
	cmn_t *c = ps_get_feat(ps)->cmn_struct;
	for (int i = 0; c->nframe > 0 && i < c->veclen; i++) {
		c->cmn_mean[i] = c->sum[i] / c->nframe;
	}
}
*/
import "C"

import (
	"errors"
	"unsafe"
)

const (
	// meanWeight is for how many frames of 10 ms telephoneMean counts in the mean of an
	// utterance, which is brought up to date after every followEvery pieces of sound.
	meanWeight  = 40
	followEvery = 5
)

// telephoneMean is the cepstral mean of speech by telephone at -26 dBov with our
// dither: of the half that was tuned on, with and without noise.
var telephoneMean = [...]C.float{53.3, -7.7, -9.1, -5.6, -10.05, -17.8, -7.6, -19.4, -14.9, -7.05, -12.1, -7.6, -6.7} //nolint:gochecknoglobals // constant

// search is one of the engine's decoders.
type search struct {
	ps     *C.ps_decoder_t
	pieces int
}

// newSearch loads a model with arguments as the engine's programs have them.
func newSearch(args ...string) (*search, error) {
	list := make([]*C.char, len(args))
	for i, a := range args {
		list[i] = C.CString(a)
	}
	ps := C.ivrd_decoder(C.int(len(list)), &list[0])
	for _, c := range list {
		C.free(unsafe.Pointer(c))
	}
	if ps == nil {
		return nil, errors.New("the engine does not load it")
	}
	if n := int(C.ivrd_mean_length(ps)); n != len(telephoneMean) {
		C.ps_free(ps)
		return nil, errors.New("it is of another kind")
	}
	return &search{ps: ps}, nil
}

func (s *search) close() { C.ps_free(s.ps) }

// grammar sets what is listened for.
func (s *search) grammar(text string) error {
	name, c := C.CString("menu"), C.CString(text)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(c))
	if C.ps_set_jsgf_string(s.ps, name, c) != 0 || C.ps_set_search(s.ps, name) != 0 {
		return errors.New("the engine refuses it")
	}
	return nil
}

// phones lets it listen for phones in any order.
func (s *search) phones() error {
	name := C.CString("phones")
	defer C.free(unsafe.Pointer(name))
	if C.ps_set_allphone(s.ps, name, nil) != 0 || C.ps_set_search(s.ps, name) != 0 {
		return errors.New("the engine refuses phones")
	}
	return nil
}

// begin begins an utterance, as if nobody had been heard before: the mean of one
// caller's sound must not colour the next one's.
func (s *search) begin() error {
	s.pieces = 0
	C.ivrd_start_mean(s.ps, &telephoneMean[0], meanWeight)
	if C.ps_start_stream(s.ps) != 0 || C.ps_start_utt(s.ps) != 0 {
		return errors.New("begin utterance: the engine refuses it")
	}
	return nil
}

// hear takes a piece of sound.
func (s *search) hear(wide []int16) error {
	if C.ps_process_raw(s.ps, (*C.int16)(unsafe.Pointer(&wide[0])), C.size_t(len(wide)), 0, 0) < 0 {
		return errors.New("hear: the engine fails")
	}
	if s.pieces++; s.pieces%followEvery == 0 {
		C.ivrd_follow_mean(s.ps)
	}
	return nil
}

func (s *search) end() error {
	if C.ps_end_utt(s.ps) != 0 {
		return errors.New("end utterance: the engine fails")
	}
	return nil
}

// mean is the cepstral mean of what has been heard.
func (s *search) mean() []float32 {
	out := make([]float32, len(telephoneMean))
	C.ivrd_mean(s.ps, (*C.float)(unsafe.Pointer(&out[0])))
	return out
}

// said are the words that were heard so far, or "".
func (s *search) said() string {
	hyp := C.ps_get_hyp(s.ps, nil)
	if hyp == nil {
		return ""
	}
	return C.GoString(hyp)
}

// parts are what was heard so far, piece by piece.
func (s *search) parts() []part {
	var out []part
	for it := C.ps_seg_iter(s.ps); it != nil; it = C.ps_seg_next(it) {
		var from, to C.int
		var score, language, back C.int32
		C.ps_seg_frames(it, &from, &to)
		C.ps_seg_prob(it, &score, &language, &back)
		if from >= 0 {
			out = append(out, part{C.GoString(C.ps_seg_word(it)), int(from), int(to), int(score)})
		}
	}
	return out
}
