package transcript

// What the generated dialogues are made of. The masker was tuned on the first words. The
// second were written before the masker was, the third and the fourth
// (dialogue_heldout_test.go) after what was before them had been learnt from. The fifth is
// of one who had not read the masker, the sixth came after that was learnt from. Each was
// measured once before anything was mended for it (docs/benchmarks.md).

func tunedWords() []words {
	return []words{{
		language: "en",
		carriers: map[string][]string{
			"phone": {"my phone number is %s", "you can call me on %s", "it's %s", "%s", "please ring me back at %s, thanks"},
			"card":  {"my card number is %s", "the card is %s", "%s", "it reads %s"},
			"id":    {"my ID number is %s", "%s", "the identity card says %s"},
		},
		questions: map[string][]string{
			"phone": {"what is your phone number", "may I have a number to call you back?"},
			"card":  {"please read me your card number", "which card is it?"},
			"id":    {"what is your ID number please", "I need to verify your identity"},
		},
		acks:     []string{"mm-hm", "yes", "okay"},
		stalls:   []string{"uh", "let me see", "one moment"},
		chatter:  []string{"hello, how can I help you", "I have a problem with my card", "thank you very much", "it has not arrived yet", "no, not at all", "let me check that for you"},
		innocent: []string{"I paid {amount} for it", "it was on {date}", "my order number is {order}", "I called at {time}", "please connect me to extension {ext}", "I have {small} of them", "the order {order} from {date} is missing", "that one please"},
		fill: map[string]filler{
			"amount": oneOf("$%n2", "%n3 dollars", "two hundred dollars", "%n1,%n3 yuan", "%n3.%n2 euros"),
			"date":   oneOf("2026-11-05", "November 5th", "the fifth of November", "the 12th of March 2025"),
			"order":  oneOf("%n5", "TB%n8", "%n8"),
			"time":   oneOf("14:30", "3 pm", "half past nine", "nine o'clock"),
			"ext":    oneOf("%n3", "%n4", "two oh four"),
			"small":  oneOf("two", "12", "three"),
		},
		notations: map[string]notation{
			"written":         written("", ""),
			"written groups":  written("", " "),
			"written dashes":  written("", "-"),
			"words":           spoken(english, " ", " "),
			"words oh double": spoken(doubled(englishOh), " ", " "),
			"words triple":    spoken(tripled(english), " ", ", "),
		},
		splits: map[string]splitter{"whole": wholly, "halves": halves, "groups": byGroup},
	}, {
		language: "zh",
		carriers: map[string][]string{
			"phone": {"我的手机号是%s", "你打%s", "%s", "%s，谢谢", "电话是%s"},
			"card":  {"卡号是%s", "我的银行卡是%s", "%s"},
			"id":    {"身份证号是%s", "%s", "我的身份证%s"},
		},
		questions: map[string][]string{
			"phone": {"请问您的手机号是多少", "您的联系电话？"},
			"card":  {"请报一下您的卡号", "是哪张卡？"},
			"id":    {"请报一下身份证号", "我需要核实您的身份"},
		},
		acks:     []string{"嗯", "好的", "对"},
		stalls:   []string{"呃", "等一下", "我看看"},
		chatter:  []string{"您好，请问有什么可以帮您", "我的卡有点问题", "非常感谢", "到现在还没有收到", "不用了", "我帮您查一下"},
		innocent: []string{"我付了{amount}", "是{date}下的单", "订单号是{order}", "我{time}打过电话", "请转分机{ext}", "我买了{small}", "{date}的订单{order}没有到"},
		fill: map[string]filler{
			"amount": oneOf("%n3元", "两百块", "一千二百元", "三万五千块", "%n2块五"),
			"date":   oneOf("2026年11月5日", "十一月五号", "二零二五年三月十二号", "11月5号"),
			"order":  oneOf("%n6", "TB%n8", "%n8"),
			"time":   oneOf("下午三点半", "14:30", "早上九点", "晚上8点"),
			"ext":    oneOf("%n3", "%n4", "二零四"),
			"small":  oneOf("两个", "三件", "12个"),
		},
		notations: map[string]notation{
			"written":        written("", ""),
			"written groups": written("", " "),
			"characters":     spoken(chinese, "", ""),
			"yao":            spoken(chineseYao, "", ""),
			"yao pauses":     spoken(chineseYao, "", "，"),
		},
		splits: map[string]splitter{"whole": wholly, "halves": halves, "groups": byGroup},
	}}
}

func laterWords() []words {
	return []words{{
		language: "en",
		carriers: map[string][]string{
			"phone": {"sure, that would be %s", "try my mobile, %s", "so the best number to reach me on is %s, any time after lunch", "Okay. %s.", "yeah it's under %s I think"},
			"card":  {"right, the long number across the front is %s", "I'm paying with %s", "it begins like this: %s", "Visa, %s."},
			"id":    {"well my Chinese identity number would be %s", "on the back it says %s", "%s is what's printed there"},
		},
		questions: map[string][]string{
			"phone": {"and how do we reach you?", "could you spell out your mobile for me"},
			"card":  {"go ahead with the digits on the front", "how would you like to pay"},
			"id":    {"could you read the document to me?", "who am I speaking with"},
		},
		acks:     []string{"uh-huh", "got it", "go on", "right", "sorry, slower please"},
		stalls:   []string{"um hold on", "sorry", "where was I", "and then", "let me get my glasses"},
		chatter:  []string{"good morning, this is the service desk", "somebody stole my wallet yesterday", "oh I see, that makes sense", "you have been most helpful", "I would rather speak to a person", "for one thing it never worked", "is there anything else"},
		innocent: []string{"they charged me {amount} twice", "the invoice is dated {date}", "my booking reference is {order}, can you see it", "the courier promised {time} at the latest", "my colleague is on {ext}", "we are {small} people", "tracking number {order} was due on {date} at {time}", "the balance was {amount} and now it is {amount}", "I want another one", "about {small} weeks ago"},
		fill: map[string]filler{
			"amount": oneOf("£%n2.%n2", "four hundred and fifty pounds", "%n4 yuan", "a thousand dollars", "$%n1,%n3.%n2", "eighty five bucks"),
			"date":   oneOf("5 November 2026", "March the third", "03/12/2025", "twenty twenty six", "Monday the 14th"),
			"order":  oneOf("%n7", "AB-%n6", "%n9", "PX%n10", "eight eight two one three"),
			"time":   oneOf("9:15 am", "ten thirty", "quarter to five", "noon", "18:45"),
			"ext":    oneOf("extension %n4", "extension three one seven", "ext %n3"),
			"small":  oneOf("five", "seventeen", "2", "forty two"),
		},
		notations: map[string]notation{
			"full width":        written("wide", " "),
			"figures and words": mixed(english, " "),
			"pairs":             pairs(),
			"capitals, commas":  spoken(capital(english), ", ", ". "),
			"single figures":    written("single", " "),
			"with fillers":      spoken(englishOh, " ", " uh "),
			"then":              spoken(doubled(english), " ", " then "),
			"last four":         lastly(spoken(english, " ", " "), " and the last four are "),
			"dots":              written("", "."),
		},
		splits: map[string]splitter{"whole": wholly, "anywhere": anywhere, "groups": byGroup, "stalled": stalled, "three others between": patient},
		twice:  true,
	}, {
		language: "zh",
		carriers: map[string][]string{
			"phone": {"你记一下啊，%s", "联系我就打这个%s就行", "%s这个号", "我老公的是%s", "可以，%s，下午打"},
			"card":  {"尾巴上那张，%s", "工行的，%s", "%s是我的储蓄卡", "我念给你听%s"},
			"id":    {"证件上写的是%s", "%s，没错吧", "好，那我报了，%s"},
		},
		questions: map[string][]string{
			"phone": {"怎么联系您比较方便", "麻烦留个号码"},
			"card":  {"麻烦您念一下正面的数字", "您用哪家银行的"},
			"id":    {"麻烦提供一下证件", "请问您是本人吗"},
		},
		acks:     []string{"嗯嗯", "您继续", "然后呢", "收到", "请慢一点"},
		stalls:   []string{"那个", "我找一下眼镜", "不好意思", "后面是", "稍等"},
		chatter:  []string{"早上好，这里是客服中心", "我钱包昨天被偷了", "哦，原来是这样", "你们的态度真好", "我想找人工", "一直没有人理我", "还有别的需要吗", "一共就这些"},
		innocent: []string{"多扣了我{amount}", "发票日期是{date}", "快递单号{order}，能查到吗", "说好{time}之前送到", "我同事在{ext}", "我们一行{small}", "单号{order}应该{date}{time}到", "余额原来是{amount}，现在是{amount}", "大概{small}以前"},
		fill: map[string]filler{
			"amount": oneOf("¥%n2.%n2", "四百五十块钱", "%n4元", "一万两千三", "人民币%n5", "八十五块六毛"),
			"date":   oneOf("3月12号", "二零二六年", "上个月十四号", "2025/03/12", "元月三日"),
			"order":  oneOf("%n7", "SF%n10", "%n9", "八八二一三"),
			"time":   oneOf("九点一刻", "上午十点半", "18:45", "十二点整"),
			"ext":    oneOf("分机%n4", "分机三幺七", "内线%n3"),
			"small":  oneOf("五个人", "十七位", "两三天", "四十二个"),
		},
		notations: map[string]notation{
			"full width":          written("wide", "　"),
			"figures and words":   mixed(chineseYao, ""),
			"circle zero, spaces": spoken(chineseCircle, " ", " "),
			"de":                  spoken(chineseYao, "", "的"),
			"ranhou":              spoken(chinese, "", "，然后"),
			"hou si wei":          lastly(spoken(chineseYao, "", ""), "，后四位是"),
			"san ge ling":         spoken(counted(chineseYao), "", "，"),
			"with fillers":        spoken(chineseYao, "", "嗯"),
			"single figures":      written("single", "，"),
		},
		splits: map[string]splitter{"whole": wholly, "anywhere": anywhere, "groups": byGroup, "stalled": stalled, "three others between": patient},
		twice:  true,
	}}
}
