package portal

import "net/http"

// overviewPlaces are the page with which a customer's visit begins.
func overviewPlaces() []place {
	return []place{
		{"GET /account/{$}", visiting((*Portal).overview)},
	}
}

func (p *Portal) overview(w http.ResponseWriter, r *http.Request, v visit) error {
	p.show(w, r, http.StatusOK, overviewPage(v.titled("overview")))
	return nil
}

var overviewWords = words{
	"en": {"overview": "Your account"},
	"es": {"overview": "Su cuenta"},
}
