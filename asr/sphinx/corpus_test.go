//go:build pocketsphinx

package sphinx

// A half is one half of what recognition is measured with: its menus, what is said
// beside them, and who speaks are all its own. The decoder was tuned on the first
// half; the figures that are claimed are of the second.
type half struct {
	name   string
	voices []talker
	menus  [][][]string // of intents, each with what may be said for it
	beside []string     // said to a menu, and none of its business
}

func halves() []half {
	return []half{
		{"tuned on", []talker{espeak("en-us", 160), espeak("en-gb-scotland+f2", 150), espeak("en-gb+m3", 185), flite("rms"), flite("kal16")}, [][][]string{
			{
				{"balance", "account balance", "how much money do i have"},
				{"transfer money", "make a transfer", "send money to someone"},
				{"lost card", "my card is gone", "report a stolen card"},
				{"loans", "apply for a loan"},
				{"agent", "speak to an agent"},
				{"repeat", "say that again"},
			},
			{
				{"activate my card", "card activation"},
				{"block my card", "freeze card"},
				{"raise my credit limit", "credit limit"},
				{"change my pin", "forgot my pin number"},
				{"replacement card", "order a replacement"},
				{"travel notice", "i am going abroad"},
			},
			{
				{"where is my order", "order status", "track my package"},
				{"returns", "return an item", "send something back"},
				{"billing", "a question about my bill"},
				{"opening hours", "when are you open"},
				{"sales", "product information", "i want to buy something"},
				{"main menu", "go back"},
			},
			{
				{"technical support", "it does not work"},
				{"warranty", "is it still under warranty"},
				{"repair", "book a repair"},
				{"spare parts", "order parts"},
				{"installation", "help me install it"},
			},
		}, []string{
			"the weather has been terrible all week", "can you hear me", "i was on the phone with my mother", "what did you say", "hold on a second",
			"just a moment please", "my dog is barking again", "i don't know what to press", "this is the third time today", "who am i talking to",
			"turn down the television", "we are going to the beach on sunday", "it's raining outside", "are you a robot", "let me find my glasses",
			"he said he would come at seven", "dinner is almost ready", "why is this taking so long", "okay", "hmm", "oh well", "never mind", "thank you",
			"no", "yes", "maybe later", "i already told your colleague", "could you speak a little louder", "put the kettle on", "the train leaves from platform nine",
			"she moved to another city last year", "my name is robert miller", "sorry", "good morning", "what a beautiful garden",
			"five", "twenty three", "four seven one nine", "one hundred and eighty", "zero six double two eight", "december the fourth", "half past ten", "nineteen eighty four",
		}},
		{"held out", []talker{espeak("en-gb", 155), espeak("en-us+f3", 165), espeak("en-gb-x-rp+m1", 180), flite("slt"), flite("awb")}, [][][]string{
			{
				{"bank statement", "send me a statement", "my last transactions"},
				{"mortgage", "home loan rates"},
				{"report fraud", "somebody used my account"},
				{"exchange rates", "foreign currency"},
				{"find a branch", "where is the nearest branch"},
				{"operator", "talk to a person", "human being"},
			},
			{
				{"pay a bill", "bill payment"},
				{"standing order", "set up a standing order"},
				{"direct debit", "cancel a direct debit"},
				{"payment did not arrive", "my money is missing"},
				{"savings", "open a savings account"},
				{"checking account", "open a checking account"},
			},
			{
				{"new order", "place an order"},
				{"cancel my order", "cancellation", "i changed my mind"},
				{"delivery address", "change my delivery address"},
				{"delivery time", "when will it arrive"},
				{"gift card", "check my gift card"},
				{"refund", "i want my money back"},
				{"start over", "previous menu"},
			},
			{
				{"password", "reset my password", "i cannot log in"},
				{"update my phone number", "change phone number"},
				{"close my account", "delete my account"},
				{"membership", "loyalty points"},
				{"complaint", "make a complaint"},
				{"customer service", "representative"},
			},
		}, []string{
			"my neighbour is painting his fence", "hello is anybody there", "wait a minute", "i can't understand you", "what was the second one",
			"the children are at school", "please don't hang up", "i have been waiting for an hour", "the battery of my phone is almost empty", "how old are you",
			"there is somebody at the door", "we bought a new car in march", "this music is awful", "is this a recording", "where did i put my pen",
			"they won the game last night", "coffee with milk and sugar", "that is ridiculous", "alright", "uh huh", "oh dear", "forget it", "thanks a lot",
			"nope", "yeah", "not now", "i spoke to a lady yesterday", "the line is very bad", "close the window", "turn left at the traffic lights",
			"my brother works in a hospital", "this is susan taylor", "excuse me", "good afternoon", "i like the blue one better",
			"eight", "sixty five", "nine two zero three", "three thousand four hundred", "one five five seven six", "july the twenty first", "quarter to nine", "two thousand and eleven",
		}},
	}
}
