package verdict

import "strings"

// traditional are the traditional characters of the words in the rules, each
// followed by the simplified one that the rules have.
const traditional = "餘余額额數数時时間间請请過过頻频訪访問问權权無无該该鑰钥憑凭證证號号戶户帳账賬账費费資资達达錯错誤误務务負负載载飽饱滿满" +
	"後后試试刪删鎖锁網网關关閉闭內内違违規规風风險险詞词區区國国組组級级維维護护單单週周點点鐘钟將将於于預预計计復复啟启開开" +
	"現现統统檢检測测驗验條条與与為为個个來来從从應应當当會会發发異异絕绝連连線线響响繼继續续較较儲储購购買买訂订閱阅攔拦擊击" +
	"銷销贈赠臨临暫暂壞坏處处壓压"

// simplifier also replaces typographic quotation marks and spaces by ASCII ones.
var simplifier = func() *strings.Replacer {
	pairs := []string{"‘", "'", "’", "'", "“", `"`, "”", `"`, "\u00a0", " ", "\u3000", " "}
	for _, r := range traditional {
		pairs = append(pairs, string(r))
	}
	return strings.NewReplacer(pairs...)
}()

// simplified returns a text in simplified characters, which the rules use.
func simplified(text string) string {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return simplifier.Replace(text)
		}
	}
	return text
}
