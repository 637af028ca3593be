package transcript

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// gap is what stands between two pieces of digits.
type gap struct {
	// content is how much is said that does not belong to a number: 2 for a word, 1
	// for a Chinese character.
	content int
	pause   bool
	// stop says that no number goes on across it.
	stop bool
	// corrects says that what is before it may be said wrongly, or is said again.
	corrects bool
}

// joins reports whether a number goes on across the gap as if nothing were there.
func (g gap) joins() bool { return g.content == 0 && !g.stop }

func (g gap) and(o gap) gap {
	return gap{g.content + o.content, g.pause || o.pause, g.stop || o.stop, g.corrects || o.corrects}
}

// Words that people say inside a number. They are no content.
const (
	joinersEN = " uh um er erm ah hmm mm m and then so next last first final finally lastly rest middle digit digits number numbers figure figures is are its it's s that's thats the followed by dash hyphen minus space slash dot point comma again yes yeah okay ok right sorry wait no well like " +
		"comes starting starts begins beginning with ending ends capital letter part parts group block bit hundred thousand double triple treble quadruple oops correction not actually rather a please sir madam ma'am miss mate love lah umm basically just anyway star hash underscore break pause stop "
	// asidesEN are of several words.
	asidesEN = "let me see|let me think|let's see|hold on|hang on|you know|i think|i guess|i mean|scratch that|just a moment|just a second|one moment|one second|one sec|one minute|what is it|is it|ending in|ends in|bear with me|what was it|sort of|kind of|country code|area code|dialling code|dialing code|as in x-ray|as in x ray"
	// Longest first where one begins another.
	joinersZH = "我想一下 等一下 看一下 空一格 我看看 我想想 说错了 不好意思 最后面 接下来 英文的 大写的 应该是 等等 稍等 反正 那么 星号 井号 下划线 先是 跟着 剩下 其余 最后 后面 后边 前面 中间 开头 末尾 第一位 然后 接着 还有 中間 再來 那个 这个 就是 横杠 空格 逗号 大写 字母 应该 不对 不是 错了 更正 重来 再来 后 前 尾 末 位 数 嗯 呃 啊 哦 噢 额 唔 哎 哈 呢 吧 嘛 诶 咯 喔 呀 碼 那 再 的 是 对 好 不 杠"
)

// What takes back a digit, or says one again.
const (
	correctsEN = " sorry wait no not again oops correction actually rather mean scratch "
	correctsZH = "说错了 不对 不是 错了 更正 重来 再来 不"
)

// What begins another thing than a personal number, or names it as a personal one.
const (
	othersEN   = " order orders tracking reference ref case docket claim policy ticket invoice booking confirmation parcel flight serial model amount total balance price extension ext room floor pin version zip postcode "
	othersZH   = "案号 案件 理赔 保单 包裹 订单 单号 运单 快递 工单 流水 编号 发票 分机 内线 房间 金额 余额 一共 总共 型号 验证码 邮编 版本 航班 车次"
	personalEN = " phone mobile cell cellphone telephone tel call reach account card id identity passport iban social ssn visa mastercard "
	personalZH = "手机 电话 联系 账号 账户 帐号 帐户 卡号 银行卡 身份证 证件 护照 社保 驾照"
)

// gapOf reads what stands between two pieces of digits, or at an end of a text.
func gapOf(s string) gap {
	var g gap
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case letter(r):
			i += g.words(s[i:])
			continue
		case strings.ContainsRune(",，、。.…;；!！?？:：", r):
			g.pause = true
		case r == '•' || r == '@' || r == '=', r == '/' && s != "/":
			g.stop = true
		case unicode.IsLetter(r):
			size = g.chinese(s[i:], size)
		}
		i += size
	}
	return g
}

// words reads an English word, or several that are one aside, and returns their length.
func (g *gap) words(s string) int {
	if n := asideEN(s); n > 0 {
		g.corrects = g.corrects || in(correctsEN, lastWord(s, n)) || strings.HasPrefix(s, "scratch")
		return n
	}
	end := 0
	for end < len(s) && (letter(rune(s[end])) || s[end] == '\'') {
		end++
	}
	w := strings.ToLower(s[:end])
	g.corrects = g.corrects || in(correctsEN, w)
	_, counts := EnglishNumber(w) // the last four
	if letters := len(w) == 1 && w != "i"; !letters && !counts && !in(joinersEN, w) {
		g.content += 2
		g.stop = g.stop || in(othersEN, w)
	}
	return end
}

// asideEN is the length of the aside that a text begins with, 0 for none.
func asideEN(s string) int {
	first, _ := nextWord(s, 0)
	for _, a := range asidesByWord()[first] {
		if len(s) >= len(a) && strings.EqualFold(s[:len(a)], a) && (len(s) == len(a) || !letter(rune(s[len(a)]))) {
			return len(a)
		}
	}
	return 0
}

// asidesByWord are the asides by their first word.
var asidesByWord = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for a := range strings.SplitSeq(asidesEN, "|") {
		first, _ := nextWord(a, 0)
		all[first] = append(all[first], a)
	}
	return all
})

// chinese reads a character, the first of s, or a word, and returns its length.
func (g *gap) chinese(s string, size int) int {
	if n := joinerZH(s, joinersZH); n > 0 {
		g.corrects = g.corrects || joinerZH(s, correctsZH) > 0
		return n
	}
	r, _ := utf8.DecodeRuneInString(s)
	if _, digit := chineseDigit(r); digit && strings.HasPrefix(s[size:], "位") {
		return size // the last four
	}
	g.stop = g.stop || joinerZH(s, othersZH) > 0
	g.content++
	return size
}

// in reports whether a list holds a word between spaces.
func in(list, word string) bool {
	const longestListed = 16
	return len(word) <= longestListed && strings.Contains(list, " "+word+" ")
}

// joinerZH is the length of the word of a list that a text begins with, 0 for none.
func joinerZH(s, list string) int {
	for w := range strings.SplitSeq(list, " ") {
		if strings.HasPrefix(s, w) {
			return len(w)
		}
	}
	return 0
}

// about is what a text says that the number after it is.
type about uint8

const (
	unknown about = iota
	somethingElse
	somebodys
)

// notCodes takes away the codes that are part of a telephone number.
var notCodes = strings.NewReplacer("country code", "phone", "area code", "phone", "dialling code", "phone", "dialing code", "phone")

// aboutNext looks for the last word of a text that says what the number after it is.
func aboutNext(text string) about {
	const far = 90 // bytes
	if cut := len(text) - far; cut > 0 {
		text = text[cut:]
	}
	text = notCodes.Replace(" " + strings.ToLower(text))
	at, found := -1, unknown
	look := func(word string, what about, whole bool) {
		i := strings.LastIndex(text, word)
		if whole {
			i = lastWhole(text, word)
		}
		if i > at {
			at, found = i, what
		}
	}
	for _, l := range []struct {
		list string
		what about
	}{{othersEN, somethingElse}, {personalEN, somebodys}} {
		for w := range strings.FieldsSeq(l.list) {
			look(w, l.what, true)
		}
	}
	for w := range strings.FieldsSeq(othersZH) {
		look(w, somethingElse, false)
	}
	for w := range strings.FieldsSeq(personalZH) {
		look(w, somebodys, false)
	}
	return found
}

// lastWhole is where a word stands last in a text, not as a part of another; -1 for
// nowhere.
func lastWhole(text, word string) int {
	for end := len(text); ; {
		i := strings.LastIndex(text[:end], word)
		if i < 0 {
			return -1
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(word):])
		if !letter(before) && !letter(after) {
			return i
		}
		end = i
	}
}
