package portal

import (
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
)

type evidence = rules.Evidence

// recordsView is a page of the link to records.
type recordsView struct {
	page
	Address string
	Step    string
	Says    string // of the last try
	Tables  []tableView
	PDF     string // the address of the document; "" none is offered
}

// tableView is a table on the page, perhaps not all of it.
type tableView struct {
	disclose.Sheet
	File string
	Of   int // rows that there are
	More bool
}

var recordsWords = words{
	"en": {
		"records": "What you asked us to send you", "records-asks": "To open it, give the password of your account. Without it nothing is shown here.",
		"password": "Password", "open": "Open", "no-password": "I have no password",
		"no-password-says": "If you have none, we send a code to the telephone number of your service. With the code you set one.",
		"records-no":       "That did not open anything. Perhaps the password or code is not right, it was tried too often, or the link is too old. Wait a little and try again, ask for a code, or call us.",
		"records-code":     "If there is a number for it, a code is on its way to the telephone of your service. Type it here. It works once, for a few minutes.",
		"code":             "Code", "go-on": "Go on", "back": "Use a password instead", "again": "Send another code",
		"records-new": "The code is right. Now set a password for your account: at least eight characters, nothing that others can know.", "new-password": "New password", "set": "Set it and open",
		"records-weak": "That password was not taken. Choose a longer one that has nothing to do with your name, number or address.",
		"records-here": "Here is what you asked for", "records-private": "These records are about you and nobody else. Leave the page when you are done.",
		"leave": "Leave", "download": "Download this table (CSV)", "download-pdf": "Download all as PDF", "shown-first": "Shown here are the first %d of %d rows. The file has all.",
		"nothing": "There are no records of that kind and time.", "records-refused": "This cannot be shown here. Please call us.",
	},
	"es": {
		"records": "Lo que nos pidió que le enviáramos", "records-asks": "Para abrirlo, escriba la contraseña de su cuenta. Sin ella aquí no se muestra nada.",
		"password": "Contraseña", "open": "Abrir", "no-password": "No tengo contraseña",
		"no-password-says": "Si no la tiene, le enviamos un código al número de teléfono de su servicio. Con el código usted elige una.",
		"records-no":       "No se ha abierto nada. Quizá la contraseña o el código no es correcto, se intentó demasiadas veces o el enlace es demasiado antiguo. Espere un poco e inténtelo de nuevo, pida un código o llámenos.",
		"records-code":     "Si hay un número para ello, un código va en camino al teléfono de su servicio. Escríbalo aquí. Sirve una vez, por unos minutos.",
		"code":             "Código", "go-on": "Continuar", "back": "Usar una contraseña", "again": "Enviar otro código",
		"records-new": "El código es correcto. Ahora elija una contraseña para su cuenta: al menos ocho caracteres, nada que otros puedan saber.", "new-password": "Contraseña nueva", "set": "Guardarla y abrir",
		"records-weak": "Esa contraseña no se aceptó. Elija una más larga que no tenga que ver con su nombre, número o dirección.",
		"records-here": "Aquí está lo que pidió", "records-private": "Estos datos tratan de usted y de nadie más. Salga de la página cuando termine.",
		"leave": "Salir", "download": "Descargar esta tabla (CSV)", "download-pdf": "Descargar todo en PDF", "shown-first": "Aquí se muestran las primeras %d de %d filas. El archivo las tiene todas.",
		"nothing": "No hay datos de esa clase y fecha.", "records-refused": "Esto no se puede mostrar aquí. Por favor llámenos.",
	},
}
