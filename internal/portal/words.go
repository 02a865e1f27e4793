package portal

// words are what pages say, in each language. Those of a page stand beside it, in a table of its own that all names.
type words map[string]map[string]string

// all are the tables of all pages.
func all() []words {
	return []words{frame, notMeWords, recordsWords,
		visitWords, formWords,
		heldWords, receivedWords, giveWords,
		choicesWords, noticesWords, refuseWords,
		overviewWords, signInWords, securityWords, peopleWords, simWords,
		publicWords,
	}
}

var frame = words{
	"en": {
		"nowhere": "There is no such page", "nowhere-says": "Check the address, or call us.",
		"trouble": "That did not work", "trouble-says": "Nothing was changed. Try again in a few minutes, or call us.",
		"call": "Call us", "write": "Write to us", "other": "Español", "skip": "Skip to the page",
	},
	"es": {
		"nowhere": "Esa página no existe", "nowhere-says": "Compruebe la dirección o llámenos.",
		"trouble": "No ha funcionado", "trouble-says": "No se ha cambiado nada. Vuelva a intentarlo en unos minutos o llámenos.",
		"call": "Llámenos", "write": "Escríbanos", "other": "English", "skip": "Ir a la página",
	},
}

// say gives a word of the portal's in a language; of one that is missing there, the English.
func say(language, key string) string {
	for _, l := range []string{language, "en"} {
		for _, w := range all() {
			if s, ok := w[l][key]; ok {
				return s
			}
		}
	}
	return key
}
