package portal

import (
	"errors"

	"ringfence/internal/cpni"
)

// field is one field of a form. Texts are as they are shown, in the language of the page.
type field struct {
	Name, Label string
	Hint        string // what to write, in a sentence; "" none
	Type        string // text unless set
	Fill        string // of the attribute autocomplete; "" off
	Mode        string // of the attribute inputmode; "" none
	Value       string
	Error       string // why what was written was not taken; "" nothing was wrong
	Most        int    // characters; 0: 200
	Optional    bool
	First       bool // it has the focus when the page opens
}

// id is that of the field on the page.
func (f field) id() string { return "field-" + f.Name }

// about names the texts that belong to the field, for who cannot see them beside it.
func (f field) about() string {
	switch {
	case f.Error != "" && f.Hint != "":
		return f.id() + "-hint " + f.id() + "-error"
	case f.Error != "":
		return f.id() + "-error"
	case f.Hint != "":
		return f.id() + "-hint"
	}
	return ""
}

// choice is one of several, by a round or a square button.
type choice struct {
	Name, Value string
	Label       string
	Hint        string
	Chosen      bool
	Square      bool // several can be chosen
}

func (c choice) id() string { return "choice-" + c.Name + "-" + c.Value }

func (c choice) kind() string {
	if c.Square {
		return "checkbox"
	}
	return "radio"
}

// notTaken gives what a customer is told of a refusal: in their own words, and not in those of the staff. err comes back when
// it is none.
func notTaken(language string, err error) (string, error) {
	var r *cpni.Refusal
	if !errors.As(err, &r) {
		return "", err
	}
	key := "refused-" + string(r.Code)
	if text := say(language, key); text != key {
		return text, nil
	}
	return say(language, "refused"), nil
}

var formWords = words{
	"en": {
		"refused":                  "That was not taken, and nothing was changed. Check it, or call us.",
		"refused-BAD_INPUT":        "That is not written as it has to be. Check it and try again.",
		"refused-WEAK_SECRET":      "That was not taken: it is too short, or others could guess it from what is known of you. Choose another one.",
		"refused-QUESTION_RABI":    "That question asks for what others can find out about you. Choose one whose answer only you know.",
		"refused-QUESTION_ACCOUNT": "That question asks for what stands on your account or bill. Choose one whose answer only you know.",
		"refused-FROZEN":           "You told us that a change of your account was not yours. Until one of our people has looked into it, this cannot be changed here. Call us.",
		"refused-LOCKED":           "There were too many tries. Wait a while, or call us.",
		"refused-UNAUTHENTICATED":  "We need to know again that it is you. Sign in once more.",
		"refused-TOKEN_SCOPE":      "You were signed out meanwhile. Sign in and try again.",
		"refused-NUMBER_HELD":      "That number belongs to another account.",
		"save":                     "Save", "change": "Change", "remove": "Remove", "add": "Add", "cancel": "Cancel", "go-back": "Back",
	},
	"es": {
		"refused":                  "No se aceptó y no se cambió nada. Compruébelo o llámenos.",
		"refused-BAD_INPUT":        "No está escrito como debe estar. Compruébelo e inténtelo de nuevo.",
		"refused-WEAK_SECRET":      "No se aceptó: es demasiado corto, u otros podrían adivinarlo por lo que se sabe de usted. Elija otro.",
		"refused-QUESTION_RABI":    "Esa pregunta pide algo que otros pueden averiguar de usted. Elija una cuya respuesta solo usted sepa.",
		"refused-QUESTION_ACCOUNT": "Esa pregunta pide algo que está en su cuenta o su factura. Elija una cuya respuesta solo usted sepa.",
		"refused-FROZEN":           "Nos dijo que un cambio de su cuenta no fue suyo. Hasta que alguien de nuestro equipo lo haya revisado, esto no se puede cambiar aquí. Llámenos.",
		"refused-LOCKED":           "Hubo demasiados intentos. Espere un rato o llámenos.",
		"refused-UNAUTHENTICATED":  "Necesitamos saber de nuevo que es usted. Entre otra vez.",
		"refused-TOKEN_SCOPE":      "Su sesión se cerró mientras tanto. Entre y vuelva a intentarlo.",
		"refused-NUMBER_HELD":      "Ese número pertenece a otra cuenta.",
		"save":                     "Guardar", "change": "Cambiar", "remove": "Quitar", "add": "Añadir", "cancel": "Cancelar", "go-back": "Volver",
	},
}
