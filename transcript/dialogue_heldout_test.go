package transcript

// thirdWords were held out until the masker had learnt from the first two.
func thirdWords() []words {
	return []words{{
		language: "en",
		carriers: map[string][]string{
			"phone": {"oh just text me, %s", "that's my work line: %s", "%s, but only in the evenings", "use %s instead of the old one please", "I can give you my wife's, %s"},
			"card":  {"it's a debit one, %s", "so the digits are, bear with me, %s", "%s and it runs out next year", "charge it to %s"},
			"id":    {"my resident identity is %s, okay?", "let me read it off, %s", "the government number you mean? %s"},
		},
		questions: map[string][]string{
			"phone": {"where can we text you", "is there another line we may use"},
			"card":  {"which one shall I charge", "please start whenever you are ready"},
			"id":    {"I have to make sure it is really you", "what does your document say"},
		},
		acks:     []string{"hm", "yep", "I'm listening", "carry on", "all right", "and the rest?"},
		stalls:   []string{"hang on a second please", "it's very small print", "ehm", "oh dear", "let me turn the light on"},
		chatter:  []string{"this call may be recorded", "nobody answers my emails at all", "it broke two weeks after I got it", "we'll sort it out, no worries", "could you turn the volume up", "fine by me", "I've been waiting since Monday", "one of your colleagues promised a refund"},
		innocent: []string{"my flight is {order} on {date}", "it weighs {small} kilos and cost {amount}", "we're in room {ext} from {time}", "the discount should have been {small} percent", "the refund of {amount} takes {small} working days", "ticket {order} was opened on {date}", "between {time} and {time}", "my son is {small}", "I was transferred to {ext} and then cut off", "chapter {small} of the manual"},
		fill: map[string]filler{
			"amount": oneOf("nineteen ninety nine", "%n3.%n2 dollars", "$%n5", "three thousand two hundred yuan", "€%n2"),
			"date":   oneOf("2025/12/24", "the twenty first of June", "July 4th", "12.11.2026", "Friday"),
			"order":  oneOf("CA%n4", "%n6", "ZX-%n7", "four four one nine", "#%n8"),
			"time":   oneOf("8 o'clock", "seven forty five", "midnight", "06:05", "11.30 am"),
			"ext":    oneOf("%n3", "twelve oh one", "%n4"),
			"small":  oneOf("six", "eleven", "30", "fifteen", "4"),
		},
		notations: map[string]notation{
			"hyphens":         spoken(tripled(englishOh), "-", ", "),
			"trailing off":    written("", "... "),
			"followed by":     lastly(spoken(doubled(englishOh), " ", ", "), " followed by "),
			"words and comma": spoken(doubled(english), ", ", ", "),
			"mixed, oh":       mixed(englishOh, " "),
			"pairs":           pairs(),
			"and then":        spoken(english, " ", " and then "),
			"lines":           written("", "\n"),
			"capitals":        spoken(capital(tripled(english)), " ", ". "),
		},
		splits: map[string]splitter{"whole": wholly, "crumbs": crumbs, "anywhere": anywhere, "stalled": stalled, "very patient": veryPatient},
		twice:  true,
	}, {
		language: "zh",
		carriers: map[string][]string{
			"phone": {"发短信到%s吧", "这是我公司的%s", "%s，晚上才有人接", "换成这个%s", "我给你我爱人的%s"},
			"card":  {"是张借记卡%s", "数字是这样的，%s", "%s，明年到期", "从%s扣吧"},
			"id":    {"居民身份证%s，行吗", "我照着念，%s", "你说的是那个证？%s"},
		},
		questions: map[string][]string{
			"phone": {"短信发到哪里", "有没有别的联系方式"},
			"card":  {"从哪一张扣款", "您准备好了就可以开始"},
			"id":    {"我得确认是您本人", "证上是怎么写的"},
		},
		acks:     []string{"哦", "是的", "我在听", "接着说", "行", "还有呢"},
		stalls:   []string{"稍微等一会儿啊", "字太小了看不清", "哎呀", "我开个灯", "嗯嗯"},
		chatter:  []string{"本次通话可能会被录音", "邮件从来没人回", "买了两个星期就坏了", "我们会处理的，您放心", "声音能大一点吗", "我都可以", "从周一等到现在", "你们有一位同事答应过退款"},
		innocent: []string{"航班是{date}的{order}", "重{small}公斤，花了{amount}", "我们住房间{ext}，{time}入住", "应该打{small}折", "退款{amount}要{small}天", "工单{order}是{date}开的", "{time}到{time}之间", "我儿子{small}岁", "给我转到{ext}就断了", "说明书第{small}页"},
		fill: map[string]filler{
			"amount": oneOf("十九块九毛九", "%n3.%n2元", "三千二百块", "￥%n5", "六千多"),
			"date":   oneOf("2025-12-24", "六月二十一日", "7月4号", "2026.11.12", "星期五"),
			"order":  oneOf("CA%n4", "%n6", "ZX%n7", "四四一九", "%n8"),
			"time":   oneOf("八点", "七点四十五", "半夜", "06:05", "上午11点30"),
			"ext":    oneOf("%n3", "幺二零一", "%n4"),
			"small":  oneOf("六", "十一", "30", "十五", "4"),
		},
		notations: map[string]notation{
			"dun hao":       spoken(chineseYao, "、", "、"),
			"jie xia lai":   lastly(spoken(chinese, "", "，"), "，接下来是"),
			"trailing off":  spoken(chineseYao, "", "……"),
			"gang":          written("", "杠"),
			"zai":           spoken(chineseCircle, "", "再"),
			"ge, commas":    spoken(counted(chinese), "，", "，"),
			"mixed":         mixed(chinese, ""),
			"wide singles":  written("single", " "),
			"na ge fillers": spoken(chineseYao, "", "，那个，"),
		},
		splits: map[string]splitter{"whole": wholly, "crumbs": crumbs, "anywhere": anywhere, "stalled": stalled, "very patient": veryPatient},
		twice:  true,
	}}
}

// heldOutWords are the fourth, held out until the third were learnt from.
func heldOutWords() []words {
	return []words{{
		language: "en",
		carriers: map[string][]string{
			"phone": {"ring us on %s", "I've moved, the new line is %s", "%s is the best way to get hold of me", "you should have it on file, %s"},
			"card":  {"take it from %s", "my MasterCard ends soon but it is %s", "okay ready? %s", "%s, that's the whole thing"},
			"id":    {"the citizen number is %s", "here goes, %s", "%s as printed on the front side"},
		},
		questions: map[string][]string{
			"phone": {"can I take a contact for the driver", "what should the driver dial"},
			"card":  {"and the long one on the plastic", "how will you settle this"},
			"id":    {"I need the one from your papers", "could you prove who you are"},
		},
		acks:     []string{"sure", "noted", "keep going", "I have that", "yes please", "good"},
		stalls:   []string{"bear with me", "my eyes are not what they were", "ah here it is", "sorry about the noise", "er"},
		chatter:  []string{"thanks for holding", "the app just crashes every time", "my neighbour had the very same trouble", "I'll put you through in a moment", "no that is not what I meant", "is it going to rain", "who told you that", "oh, never mind then"},
		innocent: []string{"gate {small} closes at {time}", "they quoted me {amount} last {date}", "claim {order} is still open", "he is in office {ext}", "the meter says {order}", "I bought {small} tickets for {amount} each", "step {small} does not work", "postcode {order}", "my contract from {date} costs {amount} a month", "press {small} then wait"},
		fill: map[string]filler{
			"amount": oneOf("six hundred", "%n2 euros and fifty cents", "£%n3", "%n4.%n2", "twelve hundred dollars"),
			"date":   oneOf("the 3rd of May 2024", "2023-02-17", "August twelfth", "in 2019", "Tuesday"),
			"order":  oneOf("%n5", "%n6", "Q%n6", "nine oh two one oh"),
			"time":   oneOf("five past six", "16:20", "ten to nine", "seven pm", "half eleven"),
			"ext":    oneOf("%n3", "four hundred and two", "%n2"),
			"small":  oneOf("eight", "thirteen", "9", "22"),
		},
		notations: map[string]notation{
			"long dashes":    written("", " - "),
			"words, fillers": spoken(doubled(english), " ", ", er, "),
			"tripled hyphen": spoken(tripled(english), "-", " "),
			"and commas":     spoken(capital(englishOh), ", ", ", and "),
			"single dashes":  written("single", "-"),
			"mixed":          mixed(tripled(english), " "),
			"wide":           written("wide", "-"),
			"final":          lastly(spoken(tripled(english), " ", " "), ", and finally "),
		},
		splits: map[string]splitter{"whole": wholly, "crumbs": crumbs, "anywhere": anywhere, "stalled": stalled, "very patient": veryPatient, "groups": byGroup},
		twice:  true,
	}, {
		language: "zh",
		carriers: map[string][]string{
			"phone": {"拨%s找我", "我换号了，新的是%s", "%s最好找我", "你们那里应该有，%s"},
			"card":  {"用%s付", "万事达的快过期了，%s", "准备好了吗，%s", "%s，全部就是这些"},
			"id":    {"公民号码%s", "我开始念了%s", "%s，正面印的"},
		},
		questions: map[string][]string{
			"phone": {"给司机留个联系吧", "司机应该拨哪个"},
			"card":  {"还有卡面上那一长串", "您打算怎么结"},
			"id":    {"我要您证件上的那个", "您怎么证明是本人"},
		},
		acks:     []string{"可以", "记下了", "往下", "有了", "请说", "不错"},
		stalls:   []string{"您别着急", "我眼神不好", "啊在这里", "不好意思太吵了", "呃"},
		chatter:  []string{"谢谢您的等待", "软件每次都闪退", "我邻居也碰到一样的事", "马上帮您转接", "我不是这个意思", "一会儿要下雨吗", "谁跟你说的", "哦，那算了"},
		innocent: []string{"{small}号登机口{time}关", "上次{date}报价{amount}", "理赔{order}还没结", "他在{ext}办公室", "电表是{order}", "我买了{small}张票，每张{amount}", "第{small}步不行", "邮编{order}", "{date}签的合同每月{amount}", "按{small}然后等"},
		fill: map[string]filler{
			"amount": oneOf("六百块", "%n2块五毛", "%n3元", "一千两百元", "%n4.%n2元"),
			"date":   oneOf("2024年5月3号", "2023-02-17", "八月十二", "二零一九年", "星期二"),
			"order":  oneOf("%n5", "%n6", "Q%n6", "九零二幺零"),
			"time":   oneOf("六点零五", "16:20", "八点五十", "晚上七点", "十一点半"),
			"ext":    oneOf("%n3", "四百零二", "%n2"),
			"small":  oneOf("八", "十三", "9", "22"),
		},
		notations: map[string]notation{
			"long dashes":  written("", " - "),
			"yao, fillers": spoken(chineseYao, "", "，呃，"),
			"spaces":       spoken(chinese, " ", "  "),
			"ge":           spoken(counted(chineseYao), "", ""),
			"single dots":  written("single", "。"),
			"mixed":        mixed(chineseCircle, ""),
			"wide":         written("wide", "－"),
			"zuihou":       lastly(spoken(chineseYao, "", "，"), "，最后是"),
		},
		splits: map[string]splitter{"whole": wholly, "crumbs": crumbs, "anywhere": anywhere, "stalled": stalled, "very patient": veryPatient, "groups": byGroup},
		twice:  true,
	}}
}
