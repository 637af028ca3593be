package intent

import (
	"math"
	"math/rand/v2"
	"sync"
)

// How training goes: tuned by cross-validation on the training half of the
// demo's sentences.
const (
	folds      = 5
	epochs     = 12
	rate       = 0.6   // of AdaGrad
	decay      = 0.015 // L2, on the weights of what occurs
	novel      = 1.5   // how much an unknown n-gram counts in a text's length, of the rarest known
	concept    = 8     // how much a concept counts, of an n-gram
	pair       = 9     // how much two concepts count
	background = 0     // the class of none of these
)

// doc is a text as the trainer sees it: the numbers of its n-grams.
type doc struct {
	features []int32
	class    int
}

// corpus are all texts with the n-grams that occur in them.
type corpus struct {
	docs     []doc
	index    map[uint64]int32
	boost    []float32 // by n-gram
	concepts concepts
	classes  int
}

func (c *corpus) add(s *scratch, text string, class int) {
	d := doc{class: class}
	for _, h := range s.features(text, c.concepts) {
		n, known := c.index[h]
		if !known {
			n = int32(len(c.index))
			c.index[h] = n
			c.boost = append(c.boost, boost(h))
		}
		d.features = append(d.features, n)
	}
	c.docs = append(c.docs, d)
}

func boost(hash uint64) float32 {
	switch {
	case hash&conceptBit == 0:
		return 1
	case hash&pairBits == 0:
		return concept
	}
	return pair
}

// weights are a trained multinomial logistic regression.
type weights struct {
	classes int
	idf     []float32 // by n-gram; 0: it did not occur in training
	unknown float64   // the square that an unknown n-gram adds to a text's length
	w       []float32 // by n-gram, then class
	bias    []float32
}

// fit trains on the documents that are not held out. The order is drawn from a
// fixed seed, so that the same examples give the same weights.
func (c *corpus) fit(held func(doc int) bool) *weights {
	var train []int
	for i := range c.docs {
		if !held(i) {
			train = append(train, i)
		}
	}
	m := &weights{classes: c.classes, w: make([]float32, len(c.index)*c.classes), bias: make([]float32, c.classes)}
	m.weigh(c, train)
	t := trainer{
		weights: m, squares: make([]float32, len(c.index)), biasSquares: make([]float32, c.classes),
		step: make([]float32, c.classes), scores: make([]float64, c.classes), balance: c.balance(train),
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range epochs {
		random.Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
		for _, i := range train {
			t.learn(c.docs[i])
		}
	}
	return m
}

// balance weighs classes so that each counts the same, however many examples it
// has.
func (c *corpus) balance(train []int) []float64 {
	counts := make([]float64, c.classes)
	for _, i := range train {
		counts[c.docs[i].class]++
	}
	for k, n := range counts {
		counts[k] = float64(len(train)) / float64(c.classes) / max(n, 1)
	}
	return counts
}

// weigh gives rare n-grams more weight than common ones.
func (m *weights) weigh(c *corpus, train []int) {
	m.idf = make([]float32, len(c.index))
	for _, i := range train {
		for _, f := range c.docs[i].features {
			m.idf[f]++
		}
	}
	all := float64(1 + len(train))
	for f, n := range m.idf {
		if n > 0 {
			m.idf[f] = c.boost[f] * float32(1+math.Log(all/float64(1+n)))
		}
	}
	rare := novel * (1 + math.Log(all))
	m.unknown = rare * rare
}

// scores are the classes' raw scores for a text. Its length counts n-grams that
// are unknown: the stranger a text, the less is claimed of it.
func (m *weights) scores(features []int32, unknown int, into []float64) float32 {
	length := float64(unknown) * m.unknown
	for _, f := range features {
		if idf := float64(m.idf[f]); idf > 0 {
			length += idf * idf
		} else {
			length += m.unknown
		}
	}
	for k := range into {
		into[k] = float64(m.bias[k])
	}
	if length == 0 {
		return 0
	}
	scale := float32(1 / math.Sqrt(length))
	for _, f := range features {
		x := m.idf[f] * scale
		if x == 0 {
			continue
		}
		row := m.w[int(f)*m.classes:][:m.classes]
		for k, w := range row {
			into[k] += float64(w * x)
		}
	}
	return scale
}

// trainer holds what training needs beside the weights.
type trainer struct {
	*weights
	squares     []float32 // AdaGrad's sums, by n-gram
	biasSquares []float32
	step        []float32
	scores      []float64
	balance     []float64
}

// learn takes one step towards what a document says.
func (t *trainer) learn(d doc) {
	scale := t.weights.scores(d.features, 0, t.scores)
	softmax(t.scores, 1)
	t.scores[d.class]--
	var size float32
	for k, g := range t.scores {
		step := float32(g * t.balance[d.class])
		t.step[k] = step
		size += step * step
		t.biasSquares[k] += step * step
		t.bias[k] -= rate * step / (1e-3 + sqrt32(t.biasSquares[k]))
	}
	for _, f := range d.features {
		x := t.idf[f] * scale
		t.squares[f] += size * x * x
		pace := rate / (1e-3 + sqrt32(t.squares[f]))
		keep := 1 - pace*decay
		x *= pace
		row := t.w[int(f)*t.classes:][:t.classes]
		for k, s := range t.step {
			row[k] = row[k]*keep - s*x
		}
	}
}

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// softmax turns scores into probabilities in place.
func softmax(scores []float64, temperature float64) {
	top := math.Inf(-1)
	for _, s := range scores {
		top = max(top, s)
	}
	sum := 0.0
	for k, s := range scores {
		scores[k] = math.Exp((s - top) / temperature)
		sum += scores[k]
	}
	for k := range scores {
		scores[k] /= sum
	}
}

// crossValidate scores each document by weights that have not seen it: folds
// rounds, documents dealt out class by class.
func (c *corpus) crossValidate() [][]float64 {
	fold := make([]int, len(c.docs))
	dealt := make([]int, c.classes)
	for i, d := range c.docs {
		fold[i] = dealt[d.class] % folds
		dealt[d.class]++
	}
	out := make([][]float64, len(c.docs))
	var wg sync.WaitGroup
	for n := range folds {
		wg.Go(func() {
			m := c.fit(func(i int) bool { return fold[i] == n })
			for i, d := range c.docs {
				if fold[i] == n {
					out[i] = make([]float64, c.classes)
					m.scores(d.features, 0, out[i])
				}
			}
		})
	}
	wg.Wait()
	return out
}

// calibration turns raw scores into probabilities that say how often they are
// right: a temperature (Guo et al. 2017, "On Calibration of Modern Neural
// Networks") and a shift of the background, for there are more general phrases
// among the examples than there is idle talk in calls.
type calibration struct{ temperature, shift float64 }

// idle is the share of utterances that are taken to mean none of the intents.
const idle = 0.2

// probabilities replaces scores.
func (k calibration) probabilities(scores []float64) {
	scores[background] += k.shift
	softmax(scores, k.temperature)
}

// calibrate finds what makes the documents likeliest, given scores by weights
// that have not seen them.
func (c *corpus) calibrate(scores [][]float64) calibration {
	weight := [2]float64{}
	for _, d := range c.docs {
		weight[min(d.class, 1)]++
	}
	weight = [2]float64{idle / max(weight[0], 1), (1 - idle) / max(weight[1], 1)}
	p := make([]float64, c.classes)
	loss := func(k calibration) float64 {
		sum := 0.0
		for i, d := range c.docs {
			copy(p, scores[i])
			k.probabilities(p)
			sum -= weight[min(d.class, 1)] * math.Log(max(p[d.class], 1e-12))
		}
		return sum
	}
	k := calibration{temperature: 1}
	for range 4 {
		k.temperature = math.Exp(lowest(math.Log(0.05), math.Log(20), func(v float64) float64 { return loss(calibration{math.Exp(v), k.shift}) }))
		k.shift = lowest(-3, 3, func(v float64) float64 { return loss(calibration{k.temperature, v}) })
	}
	return k
}

// lowest finds where a function with one valley is lowest, by golden section.
func lowest(low, high float64, f func(float64) float64) float64 {
	const golden = 0.6180339887498949
	a, b := high-golden*(high-low), low+golden*(high-low)
	fa, fb := f(a), f(b)
	for range 18 {
		if fa < fb {
			high, b, fb = b, a, fa
			a = high - golden*(high-low)
			fa = f(a)
		} else {
			low, a, fa = a, b, fb
			b = low + golden*(high-low)
			fb = f(b)
		}
	}
	return (low + high) / 2
}
