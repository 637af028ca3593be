package transcript

import "strings"

// sixthWords were written when the masker had learnt from the fifth, and were committed
// before their first run.
func sixthWords() []words {
	return []words{sixthEnglish(), sixthChinese()}
}

var (
	pilotDigits = strings.Fields("zero wun two tree four fife six seven eight niner")
	nilDigits   = strings.Fields("nil one two three four five six seven eight nine")
	shouted     = strings.Fields("ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE")
	traditional = strings.Split("零壹貳參肆伍陸柒捌玖", "")
	heardDigits = strings.Split("零要二三四五六七八九", "")
)

func sixthEnglish() words {
	nice := []string{", sir, ", ", please, ", ", love, ", ", lah, ", ", madam, ", ", mate, "}
	vague := []string{", what was it, ", ", sort of, ", " umm ", ", basically, ", ", so, ", ", ah yes, ", ", bear with me, "}
	plain := saying(arabDigits, "X")
	return words{
		language: "en",
		carriers: map[string][]string{
			"phone": {"drop me a text at %s", "my handphone is %s", "%s", "he'll pick up on %s", "it used to be a landline, but now %s", "the number you want is %s, ask for Maria"},
			"card":  {"Mastercard, %s", "here's the plastic, %s", "%s", "take the payment from %s, the expiry is 11/29", "I'm reading it off the back, %s"},
			"id":    {"national ID, %s", "%s", "my number is %s", "you'll find me under %s", "it's %s, born on 4 May 1988"},
		},
		questions: map[string][]string{
			"phone": {"what number can the engineer ring", "your mobile please, madam", "phone number?"},
			"card":  {"card number?", "go ahead with the card, sir", "the sixteen or so digits on the card please"},
			"id":    {"may I have your identity card number", "ID number?", "read out your identification please"},
		},
		acks:     []string{"ok", "right you are", "lovely", "and?", "continue please", "got that one"},
		stalls:   []string{"just a tick", "oh bother, wrong side", "hang on", "it's worn off a bit", "erm"},
		chatter:  []string{"good evening, you're through to cards", "the machine ate my money", "we're open around the clock", "nobody told me about that", "my grandson set it up for me", "can you hear the rain", "that sounds about right", "I'd like to complain", "have you tried it again since", "no worries at all"},
		innocent: []string{"we sat in row {small}, seat {small}", "it's a {model}", "channel {small} showed it", "pages {ext} to {ext}", "it cost {amount} before {date}", "my pressure is {pressure}", "we are open {hours}", "see form {ext}", "as of {date} it's {amount} an hour", "the grid says {gps}", "bus {small} at {time}", "my docket is {order}", "apartment {ext}, {small} Elm Street", "I waited {small} minutes and then {small} more", "they want {amount} by {date}", "it happened in {year}", "{count} people were in front of me", "the {nth} of five", "locker {small}"},
		fill: map[string]filler{
			"amount":   oneOf("$%n1,%n3,%n3.%n2", "eight fifty", "a hundred and twenty dollars", "NT$%n2,%n3", "%n3 quid", "three point five million", "%n4 pesos", "£%n1.%n2"),
			"date":     oneOf("Christmas 2023", "week 42", "24.12.2025", "the ninth of May", "Nov 3, 2024", "Friday the 13th"),
			"time":     oneOf("8:05", "ten past nine", "2200", "6 pm", "twelve fifteen"),
			"order":    oneOf("%n6", "D%n7", "JOB-%n5", "%n4/%n3"),
			"small":    oneOf("12", "nine", "38", "sixteen", "3"),
			"model":    oneOf("Boeing 737", "iPhone 15", "RTX 4090", "F-150", "Type 2"),
			"pressure": oneOf("120 over 80", "135/85"),
			"hours":    oneOf("24/7", "nine to five", "9 to 5"),
			"gps":      oneOf("31.23, 121.47", "51.5074"),
			"ext":      oneOf("%n3", "1099", "%n4"),
			"year":     oneOf("1987", "two thousand and eight", "2021"),
			"count":    oneOf("thirty odd", "%n2", "over 100"),
			"nth":      oneOf("third", "2nd", "fourth"),
		},
		notations: map[string]notation{
			"treble":             spoken(again(saying(noughtDigits, "X"), map[int]string{2: "double ", 3: "treble "}), " ", ", "),
			"pilots":             spoken(saying(pilotDigits, "X"), " ", ", "),
			"nil":                spoken(doubled(saying(nilDigits, "X")), " ", " "),
			"shouted":            spoken(saying(shouted, "X"), " ", " "),
			"square brackets":    wrapped(written("", " "), "[", "]"),
			"quotes":             wrapped(written("", ", "), `"`, `"`),
			"underscores":        separated(written("", ""), "_", "|", "~"),
			"breaks":             separated(spoken(english, " ", " "), " break ", " stop ", " pause ", " star "),
			"times":              spoken(followed(english), " ", ", "),
			"times, figures":     spoken(followed(plain), " ", ", "),
			"a one":              spoken(wordBefore(english, "a "), ", ", ", "),
			"full stops":         written("single", ". "),
			"ellipses":           spoken(english, "… ", "… "),
			"asked":              spoken(doubled(englishOh), " ", "? "),
			"asked, figures":     written("", "? "),
			"each group twice":   twice(spoken(english, " ", ", "), ", "),
			"each twice, yes":    twice(written("", ", "), ", yes, "),
			"swapped":            swapped(spoken(english, " ", ", "), ", no, hang on, ", ", oops, ", " sorry I mean "),
			"swapped figures":    swapped(written("single", " "), ", no hang on, ", " wait "),
			"thousands by dots":  separated(written("", ""), ".", "'"),
			"area code":          called(spoken(doubled(english), " ", " "), "the code is ", ", then ", ", then ", ", and then "),
			"politely":           separated(spoken(doubled(englishOh), " ", " "), nice...),
			"politely, figures":  separated(written("", ""), nice...),
			"vaguely":            hesitant(spoken(english, " ", " "), vague...),
			"vaguely, figures":   hesitant(written("single", " "), vague...),
			"bullets":            written("", "\n- "),
			"pairs with commas":  regrouped(written("", ", "), 2),
			"pairs, hyphens":     regrouped(spoken(english, "-", " "), 3),
			"hundreds, no and":   spoken(rounded(tripled(english), " hundred", " thousand"), " ", " "),
			"capitals, doubled":  spoken(capital(doubled(englishOh)), " ", ", "),
			"normalised, hyphen": normalised(tripled(english), "-"),
			"the letter":         ending(spoken(english, " ", " "), "letter X", "an X", "X for X-ray"),
		},
		splits: map[string]splitter{
			"whole": wholly, "anywhere": anywhere, "crumbs": crumbs, "stalled": stalled, "urged": urged, "echoed": echoed, "interrupted": interrupted,
			"awkward": awkward, "revised": revised, "ended by the other": endedByOther, "groups": byGroup,
		},
		twice:  true,
		number: numbersAbroad,
		plus:   []string{"+", "plus ", "00-", "prefix ", "international code "},
		onFile: []string{"our records show %s", "is it still %s", "I'll repeat, %s"},
		asides: [][2]string{{"is this line bad for you too?", "no, it's fine"}, {"credit or debit, sir?", "credit, I believe"}, {"one more time from there?", "sure, carrying on"}},
		echoes: []string{"right, %s", "%s, lovely", "so %s"},
	}
}

func sixthChinese() words {
	vague := []string{"，反正，", "，诶，", "，我想一下啊，", "，对对对，", "，那么，", "，稍等啊，", "嘛", "，是吧，"}
	plain := saying(arabDigits, "X")
	return words{
		language: "zh",
		carriers: map[string][]string{
			"phone": {"我的手機號碼是%s", "你加我，%s", "%s", "打這支%s", "以前是座机，现在用%s", "%s，找王小姐"},
			"card":  {"我的信用卡卡號%s", "卡在这，%s", "%s", "就刷%s，有效期11/29", "背面写着%s"},
			"id":    {"身分證字號%s", "%s", "号码是%s", "查%s就是我", "我的是%s，1988年5月4号生的"},
		},
		questions: map[string][]string{
			"phone": {"師傅打哪個電話找您", "女士，您的手机", "电话？"},
			"card":  {"卡号？", "請提供信用卡號", "先生，卡号请讲"},
			"id":    {"請問您的身分證字號", "身份证？", "您的证件号请念一下"},
		},
		acks:     []string{"好", "嗯哼", "讲", "然后", "有", "請繼續"},
		stalls:   []string{"稍等啊", "哎哟拿错了", "等我一下", "磨掉了一点", "呃"},
		chatter:  []string{"晚上好，信用卡部", "机器把我的钱吞了", "我们全天都有人", "没人跟我讲过", "我孙子帮我弄的", "听得到雨声吗", "應該是這樣", "我要投诉", "后来您有再试过吗", "沒關係"},
		innocent: []string{"坐第{small}排{small}座", "是{model}", "{small}频道放过", "第{ext}页到{ext}页", "{date}以前{amount}", "血压{pressure}", "我们{hours}都在", "填{ext}表", "{date}起每小时{amount}", "定位是{gps}", "{time}的{small}路公交", "案号{order}", "A座{ext}，榆树街{small}号", "等了{small}分钟，又等了{small}分钟", "{date}前要付{amount}", "{year}的事", "前面有{count}个人", "五个里的第{small}个", "柜子{small}号"},
		fill: map[string]filler{
			"amount":   oneOf("¥%n1,%n3,%n3.%n2", "八块五", "一百二十块", "新台幣%n2,%n3", "%n3塊", "三百五十万", "%n4元", "一万八"),
			"date":     oneOf("2023年圣诞节", "第42周", "2025.12.24", "五月九号", "11月3日", "13号星期五"),
			"time":     oneOf("8:05", "九点十分", "22点", "下午6点", "十二点一刻"),
			"order":    oneOf("%n6", "D%n7", "JOB-%n5", "%n4/%n3"),
			"small":    oneOf("12", "九", "38", "十六", "3"),
			"model":    oneOf("波音737", "iPhone 15", "高铁G%n4次", "地铁10号线", "二代"),
			"pressure": oneOf("120/80", "高压一百三十五"),
			"hours":    oneOf("24小时", "二十四小时", "朝九晚五"),
			"gps":      oneOf("31.23，121.47", "51.5074"),
			"ext":      oneOf("%n3", "1203", "%n4"),
			"year":     oneOf("1987年", "两千零八年", "八几年"),
			"count":    oneOf("三十来", "%n2", "一百多"),
		},
		notations: map[string]notation{
			"lia sa":            spoken(again(chinese, map[int]string{2: "俩", 3: "仨"}), "", "，"),
			"ma":                spoken(again(chinese, map[int]string{2: "孖"}), "", "，"),
			"shuang":            spoken(again(chineseYao, map[int]string{2: "双"}), "", "，"),
			"lianzhe":           spoken(again(chinese, map[int]string{3: "连着三个", 2: "两个"}), "", "，"),
			"traditional":       spoken(saying(traditional, "X"), "", " "),
			"heard":             spoken(saying(heardDigits, "X"), "", "，"),
			"xian zai":          called(spoken(chineseYao, "", ""), "先是", "，再是", "，再来是", "，接着", "，最后"),
			"ma, Taiwan":        called(written("", ""), "前面是", "，中間四碼", "，再來是", "，末四碼"),
			"each group twice":  twice(spoken(chineseYao, "", "，"), "，"),
			"each twice, dui":   twice(written("", "，"), "，对，"),
			"swapped":           swapped(spoken(chineseYao, "", "，"), "，哦不是，", "，错了，", "，啊不，"),
			"swapped figures":   swapped(written("single", " "), "，不是，", "，哎不对，"),
			"vaguely":           hesitant(spoken(chineseYao, "", "，"), vague...),
			"vaguely, figures":  hesitant(written("single", ""), vague...),
			"vaguely, groups":   separated(written("", ""), vague...),
			"corner brackets":   wrapped(written("", ""), "「", "」"),
			"lenses":            wrapped(spoken(chinese, "", ""), "【", "】"),
			"asked":             spoken(chineseYao, "", "？"),
			"asked, figures":    written("", "？"),
			"stars":             separated(spoken(chineseYao, "", ""), "星号", "下划线", "井号", "空一格"),
			"this":              separated(spoken(chineseYao, "", ""), "，这个", "，还有", "，跟着"),
			"lines":             written("", "\n"),
			"tildes":            separated(written("", ""), "~", "_", "|", "＿"),
			"normalised, wide":  normalised(chineseYao, "　"),
			"pairs with commas": regrouped(written("", "，"), 2),
			"pairs, words":      regrouped(spoken(chinese, "", "、"), 2),
			"sentences":         spoken(chineseYao, "", "。"),
			"wide, pauses":      regrouped(written("wide", "、"), 4),
			"figures, times":    spoken(again(plain, map[int]string{2: "两个", 3: "三个", 4: "四个"}), " ", " "),
			"particles":         softly(spoken(chineseYao, "", ""), "嘛，", "咯，", "喔，", "呀，"),
			"X as said":         ending(spoken(chineseYao, "", " "), "一个叉", "大写字母X", "X就是叉"),
		},
		splits: map[string]splitter{
			"whole": wholly, "anywhere": anywhere, "crumbs": crumbs, "stalled": stalled, "urged": urged, "echoed": echoed, "interrupted": interrupted,
			"awkward": awkward, "revised": revised, "ended by the other": endedByOther, "groups": byGroup,
		},
		twice:  true,
		number: numbersOfChina,
		plus:   []string{"+", "加", "00-", "国码", "區號"},
		onFile: []string{"資料上是%s", "还是%s吗", "我再念一次，%s"},
		asides: [][2]string{{"您那边信号不好吗？", "没有，挺好的"}, {"先生，信用卡还是借记卡？", "信用卡吧"}, {"从那里再来一遍？", "好，接着念"}},
		echoes: []string{"对，%s", "%s，好", "那%s"},
	}
}
