package portal

import (
	"fmt"
	"time"

	"ringfence/internal/cpni"
)

var publicWords = words{
	"en": {
		"public-none": "The privacy policy", "public-none-says": "No version has been published yet. To refuse the use of your information, write to us or call us.",
		"public-versions": "Versions of the privacy policy", "public-versions-says": "Every version that was ever published, word for word.",
		"public-changes": "What changed from %s to %s", "public-in-force": "Version %s, in force since %s", "public-was": "Version %s, in force from %s",
		"public-will": "Version %s, which takes effect on %s", "public-next": "The version %s takes effect on %s.", "public-next-read": "Read it", "public-next-changes": "What changes",
		"public-not-now": "This is not the version in force.", "public-now": "Read the one that is",
		"public-all": "All versions", "public-changed": "What changed from the version before", "public-pdf": "As a PDF", "public-contents": "Contents", "public-tools": "About this policy",
		"public-refuse": "How to refuse, without signing in", "public-refuse-says": "You may refuse these uses at any time, free of charge. Any of these ways is enough; say who you are and what you refuse.",
		"public-refuse-mail": "Write an e-mail to", "public-refuse-call": "Call", "public-refuse-post": "Write to", "public-refuse-web": "Or sign in to your account at",
		"public-subject": "I refuse the use of my information",
		"public-anchor":  "Link to this sentence", "public-covers": "What this policy covers", "public-purposes": "What the information is used for", "public-recipients": "Who may receive it", "public-data": "Kinds of information",
		"public-new": "New", "public-gone": "Removed", "public-other": "Changed", "public-moved": "Moved", "public-also-moved": "It also stands in another place.", "public-moved-says": "It says the same in another place.",
		"public-in": "in", "public-removed-words": "removed:", "public-added-words": "added:", "public-back": "end of that",
		"public-alike":    "Sentences that are alike: %d. New: %d. Removed: %d. Changed: %d. Moved: %d.",
		"public-retitled": "The title was", "public-covers-now": "It now also covers", "public-covers-not": "It no longer covers",
		"public-covers-says": "For this you get a notice of your own first. What you have approved so far does not cover it, and what you have refused stays refused.",
		"public-marks":       "Words that came are underlined and bold. Words that went are struck through.", "public-nothing": "The two versions say the same.",
		"public-version": "Version", "public-from": "In force from", "public-published": "Published", "public-read": "Read it", "public-compare": "Changes", "public-first": "the first",
		"public-state": "State", "public-state-now": "in force", "public-state-past": "past", "public-state-coming": "to come",
	},
	"es": {
		"public-none": "La política de privacidad", "public-none-says": "Aún no se ha publicado ninguna versión. Para rechazar el uso de su información, escríbanos o llámenos.",
		"public-versions": "Versiones de la política de privacidad", "public-versions-says": "Todas las versiones que se han publicado, palabra por palabra.",
		"public-changes": "Qué cambió de %s a %s", "public-in-force": "Versión %s, vigente desde el %s", "public-was": "Versión %s, vigente a partir del %s",
		"public-will": "Versión %s, que entra en vigor el %s", "public-next": "La versión %s entra en vigor el %s.", "public-next-read": "Leerla", "public-next-changes": "Qué cambia",
		"public-not-now": "Esta no es la versión vigente.", "public-now": "Leer la vigente",
		"public-all": "Todas las versiones", "public-changed": "Qué cambió desde la versión anterior", "public-pdf": "En PDF", "public-contents": "Contenido", "public-tools": "Sobre esta política",
		"public-refuse": "Cómo negarse, sin iniciar sesión", "public-refuse-says": "Puede rechazar estos usos en cualquier momento y gratis. Basta con una de estas formas; diga quién es y qué rechaza.",
		"public-refuse-mail": "Escriba un correo a", "public-refuse-call": "Llame al", "public-refuse-post": "Escriba a", "public-refuse-web": "O inicie sesión en su cuenta en",
		"public-subject": "Rechazo el uso de mi información",
		"public-anchor":  "Enlace a esta frase", "public-covers": "Qué abarca esta política", "public-purposes": "Para qué se usa la información", "public-recipients": "Quién puede recibirla", "public-data": "Tipos de información",
		"public-new": "Nueva", "public-gone": "Retirada", "public-other": "Cambiada", "public-moved": "Trasladada", "public-also-moved": "Además está en otro lugar.", "public-moved-says": "Dice lo mismo en otro lugar.",
		"public-in": "en", "public-removed-words": "retirado:", "public-added-words": "añadido:", "public-back": "fin de eso",
		"public-alike":    "Frases iguales: %d. Nuevas: %d. Retiradas: %d. Cambiadas: %d. Trasladadas: %d.",
		"public-retitled": "El título era", "public-covers-now": "Ahora abarca también", "public-covers-not": "Ya no abarca",
		"public-covers-says": "Para esto recibirá antes un aviso personal. Lo que usted ha aprobado hasta ahora no lo abarca, y lo que ha rechazado sigue rechazado.",
		"public-marks":       "Las palabras nuevas están subrayadas y en negrita. Las retiradas están tachadas.", "public-nothing": "Las dos versiones dicen lo mismo.",
		"public-version": "Versión", "public-from": "Vigente a partir del", "public-published": "Publicada el", "public-read": "Leerla", "public-compare": "Cambios", "public-first": "la primera",
		"public-state": "Estado", "public-state-now": "vigente", "public-state-past": "pasada", "public-state-coming": "futura",
	},
}

// coveredWords say, in each language, what a policy can cover.
var coveredWords = map[string]map[string]string{
	"en": {
		"for:" + string(cpni.CustomerRequest): "telling you what you ask", "for:" + string(cpni.ProvideService): "providing your service", "for:" + string(cpni.BillingPurpose): "billing and collecting", "for:" + string(cpni.Protect): "protection against fraud and abuse",
		"for:" + string(cpni.Legal): "laws and court orders", "for:" + string(cpni.Directory): "directories", "for:" + string(cpni.Emergency): "emergencies", "for:" + string(cpni.DesigneePurpose): "sending it to whom you name in writing",
		"for:" + string(cpni.OwnMarketing): "offers of our own communications services", "for:" + string(cpni.OtherMarketing): "offers of our other services", "for:" + string(cpni.PartnerMarketing): "offers of partners",
		"for:" + string(cpni.InboundMarketing): "offers on a call that you make", "for:" + string(cpni.WinBack): "offers to former customers",
		"to:" + string(cpni.ToCustomer): "you", "to:" + string(cpni.ToAuthorised): "people whom you have authorised", "to:" + string(cpni.ToDesignee): "whom you name in writing", "to:" + string(cpni.ToCarrier): "ourselves",
		"to:" + string(cpni.ToLawEnforcement): "law enforcement", "to:" + string(cpni.ToDirectoryPublisher): "publishers of directories", "to:" + string(cpni.ToPSAP): "emergency services", "to:" + string(cpni.ToOtherCarrier): "other carriers", "to:" + string(cpni.ToFamily): "your family, in an emergency",
		"to:" + string(cpni.Agent): "our agents", "to:" + string(cpni.AffiliateComm): "our affiliates in communications", "to:" + string(cpni.AffiliateOther): "our other affiliates", "to:" + string(cpni.JointVenture): "joint venture partners",
		"to:" + string(cpni.IndependentContractor): "independent contractors", "to:" + string(cpni.OtherParty): "others",
		"data:" + string(cpni.CallDetail): "records of single calls", "data:" + string(cpni.Usage): "amounts and habits of use", "data:" + string(cpni.Service): "services and equipment", "data:" + string(cpni.Location): "location of calls", "data:" + string(cpni.Billing): "bills and charges",
		"data:" + string(cpni.Listing): "published listings", "data:" + string(cpni.Aggregate): "collective figures",
	},
	"es": {
		"for:" + string(cpni.CustomerRequest): "decirle lo que pregunta", "for:" + string(cpni.ProvideService): "prestarle el servicio", "for:" + string(cpni.BillingPurpose): "facturar y cobrar", "for:" + string(cpni.Protect): "protección contra el fraude y el abuso",
		"for:" + string(cpni.Legal): "leyes y órdenes judiciales", "for:" + string(cpni.Directory): "guías", "for:" + string(cpni.Emergency): "emergencias", "for:" + string(cpni.DesigneePurpose): "enviarla a quien usted nombre por escrito",
		"for:" + string(cpni.OwnMarketing): "ofertas de nuestros servicios de comunicaciones", "for:" + string(cpni.OtherMarketing): "ofertas de nuestros otros servicios", "for:" + string(cpni.PartnerMarketing): "ofertas de socios",
		"for:" + string(cpni.InboundMarketing): "ofertas en una llamada que usted hace", "for:" + string(cpni.WinBack): "ofertas a antiguos clientes",
		"to:" + string(cpni.ToCustomer): "usted", "to:" + string(cpni.ToAuthorised): "personas a las que ha autorizado", "to:" + string(cpni.ToDesignee): "quien usted nombre por escrito", "to:" + string(cpni.ToCarrier): "nosotros mismos",
		"to:" + string(cpni.ToLawEnforcement): "autoridades", "to:" + string(cpni.ToDirectoryPublisher): "editores de guías", "to:" + string(cpni.ToPSAP): "servicios de emergencia", "to:" + string(cpni.ToOtherCarrier): "otras compañías", "to:" + string(cpni.ToFamily): "su familia, en una emergencia",
		"to:" + string(cpni.Agent): "nuestros agentes", "to:" + string(cpni.AffiliateComm): "nuestras filiales de comunicaciones", "to:" + string(cpni.AffiliateOther): "nuestras otras filiales", "to:" + string(cpni.JointVenture): "socios en empresas conjuntas",
		"to:" + string(cpni.IndependentContractor): "contratistas independientes", "to:" + string(cpni.OtherParty): "otros",
		"data:" + string(cpni.CallDetail): "registros de cada llamada", "data:" + string(cpni.Usage): "cantidades y hábitos de uso", "data:" + string(cpni.Service): "servicios y equipos", "data:" + string(cpni.Location): "ubicación de las llamadas", "data:" + string(cpni.Billing): "facturas y cargos",
		"data:" + string(cpni.Listing): "datos publicados en guías", "data:" + string(cpni.Aggregate): "cifras colectivas",
	},
}

// coveredWord says what a policy covers: a purpose (for), a recipient (to) or a class of information (data). The id of a partner
// stays as it is.
func coveredWord(language, kind, word string) string {
	if s, ok := coveredWords[language][kind+":"+word]; ok {
		return s
	}
	return word
}

var monthsOf = map[string][]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"es": {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
}

// dateIn writes a date as the language does.
func dateIn(language string, at time.Time) string {
	month := monthsOf[language][at.Month()-1]
	if language == "es" {
		return fmt.Sprintf("%d de %s de %d", at.Day(), month, at.Year())
	}
	return fmt.Sprintf("%s %d, %d", month, at.Day(), at.Year())
}
