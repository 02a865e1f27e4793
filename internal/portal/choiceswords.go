package portal

// choicesWords are those of the pages of choices. They ask for nothing: what a yes and what a no does stand side by side.
//
// cite: P-08, P-13, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(c)(4)
var choicesWords = words{
	"en": {
		"choices":      "Your choices",
		"choices-says": "Here you decide what we may do with the information that we have because you are our customer, beyond giving you your service, billing it and protecting it. Your service and its price stay the same, whatever you choose. You can change each choice at any time.",
		"same-service": "Either way, your service and its price stay the same.",
		"if-yes":       "If you say yes", "if-no": "If you say no", "stands": "Where it stands",
		"group-offers": "Offers from us", "group-companies": "Offers from other companies", "group-location": "Where you are when you call", "group-classes": "Kinds of information",
		"group-classes-says": "You can keep a kind of information out of every offer, whoever makes it. It is still used for your service, its bill and its protection.",
		"group-history":      "What you and we have said", "history-none": "Nothing is on record yet.", "history-when": "When", "history-what": "What",
		"decide": "Decide about this", "look": "Look at this choice", "all-button": "Refuse every use", "to-notices": "The notices that we gave you", "to-choices": "Back to your choices",

		"choice-everything": "Nothing at all", "choice-everything-means": "One refusal of every use that needs your permission: our own offers, offers of other things, those of other companies, and your call location.",
		"choice-everything-no": "We use your information for none of these. Advertising that goes to everybody may still reach you.",
		"choice-own-marketing": "Our own offers of communications services", "choice-own-marketing-means": "We would look at what you use and pay for, to choose which of our own phone, internet and similar services to offer you.",
		"choice-own-marketing-yes": "We may use your information to choose such offers for you.", "choice-own-marketing-no": "We do not use it for such offers. Advertising that goes to everybody may still reach you.",
		"choice-other-marketing": "Our offers of other things", "choice-other-marketing-means": "We would look at what you use and pay for, to offer you products and services that have nothing to do with communications.",
		"choice-other-marketing-yes": "We may use your information to choose such offers for you.", "choice-other-marketing-no": "We do not use it for such offers. Advertising that goes to everybody may still reach you.",
		"choice-partner-means": "{name} is {what}. We would give it information about your service, so that it can make you offers of its own.",
		"choice-partner-yes":   "We may give {name} your information for its offers. It has to keep it confidential.", "choice-partner-no": "{name} gets none of your information for its offers.",
		"choice-location:own-marketing": "Your call location, for our own offers", "choice-location:other-marketing": "Your call location, for offers of other things",
		"choice-location-means": "We would use where you are when you call {for}. Only a yes of yours permits that.",
		"choice-location-yes":   "We may use where you are when you call for this.", "choice-location-no": "We do not use it for this. When you call for help in an emergency, those who help you still learn where you are.",
		"for-own-marketing": "to choose which of our own services to offer you", "for-other-marketing": "to offer you things that have nothing to do with communications",
		"choice-data:call-detail": "The calls that you make and get", "choice-data:usage": "How much you use your services", "choice-data:service": "Which services you have", "choice-data:billing": "What stands on your bill", "choice-data:location": "Where you are when you call",
		"choice-data-means": "You can keep this kind of information out of every offer, whoever makes it.", "choice-data-no": "We use it for no offer at all, ours or others'.",
		"class-agent": "a company that works for us and in our name", "class-affiliate-comm": "a company of our own group that offers communications services", "class-affiliate-other": "a company of our own group that does not offer communications services",
		"class-joint-venture": "a company with which we run a business together", "class-independent-contractor": "an independent company that we have engaged", "class-other": "another company",

		"st-none":    "Not used: you have not been asked.",
		"st-asked":   "Not used: we asked you {via} on {date}, and no yes of yours stands.",
		"st-waiting": "Not used yet: we gave you a notice {via} on {date}. If you say nothing, we may use it from {matures}.", "st-waiting-bare": "Not used yet: we gave you a notice {via} on {date}.",
		"st-silence": "Used: we gave you a notice {via} on {date} and you have not said no. Since {matures} that counts as permission, until you say no.", "st-silence-bare": "Used: we gave you a notice {via} on {date} and you have not said no. That counts as permission, until you say no.",
		"st-old": "Not used: our last notice to you, of {date}, is too old to count.", "st-yes": "Used: you said yes {via} on {date}.", "st-no": "Not used: you said no {via} on {date}.", "st-no-all": "Not used: you refused every use {via} on {date}.", "st-no-some": "Not used: you said no.",
		"st-no-class": "Not used: you have refused every kind of information that this would use.", "st-without": "Left out: {classes}.", "st-added": "Not used: our policy covers more now than when we asked you, and we have not asked you again.",
		"st-open": "You have not refused this kind of information.", "st-open-all": "You have not refused every use.",

		"via-email": "by e-mail", "via-portal": "here in your account", "via-phone": "by telephone", "via-postal": "by letter", "via-store": "in a shop", "via-sms": "by text message", "via-gpc": "by the Global Privacy Control of your browser",
		"via-bill-insert": "with your bill", "via-oral": "in a conversation", "via-link": "by the link in a notice", "via-web": "on our page for refusals",

		"h-stated": "This is where your choices stood when we began to keep this list.", "h-noticed": "We gave you a notice {via} about: {about}.", "h-void": "A notice of ours came back, so it counts as not given.",
		"h-objected": "You said no {via}: {about}.", "h-granted": "You said yes {via}: {about}.", "h-lifted": "You took a refusal back {via}: {about}.", "h-staff": "One of our people wrote it down.",

		"no-button": "No, you may not", "yes-button": "Yes, you may", "keep-button": "No, keep my refusal", "back-button": "Yes, take it back",
		"choice-notice": "The notice that your answer is about", "choice-answer": "Your answer", "choice-back": "Take my refusal back without saying yes", "choice-back-only": "Take my refusal back",
		"choice-alone": "You have refused every use. A yes here is for this alone; all else stays refused.", "choice-without": "It leaves out what you have refused: {classes}.",
		"choice-empty":   "You have refused every kind of information that this would use, so there is nothing here to say yes to. You can take one of those refusals back first.",
		"choice-unasked": "We cannot ask you for this here at the moment. Nothing is used for it without a yes of yours.",
		"choice-stale":   "Something was said or changed since you opened this page, so your answer was not taken. Please read it again and answer.", "choice-which": "Please press one of the buttons.",
		"back-asks": "Take a refusal back?", "back-of": "Your refusal", "back-means": "Taking it back is not a yes. It is as if you had not refused: what you were told in a notice counts again, and what you refused by itself stays refused. A yes that the refusal has ended stays ended.",
		"back-then": "If you take it back, your information would be used again, as a notice told you, for:", "back-nothing": "If you take it back, nothing is used that is not used now.",

		"said-no": "Your no is on record, and counts from now on.", "said-no-all": "Your refusal of every use is on record, and counts from now on.", "said-yes": "Your yes is on record. You can take it back at any time.",
		"said-back": "Your refusal is taken back.", "said-kept": "Your refusal stays as it is.",

		"gpc": "Global Privacy Control", "gpc-heard": "Your browser asks every site not to share or sell what it knows of you. We take that as your refusal of every use that needs your permission, and have it on record. What you choose on this page stands, whether the signal is on or off.",
		"gpc-chosen": "Your browser asks every site not to share or sell what it knows of you. You have taken your refusal of every use back here while it asked so, and that choice of yours stands.",
	},
	"es": {
		"choices":      "Sus decisiones",
		"choices-says": "Aquí decide usted qué podemos hacer con la información que tenemos porque es nuestro cliente, más allá de darle su servicio, facturarlo y protegerlo. Su servicio y su precio siguen igual, decida lo que decida. Puede cambiar cada decisión en cualquier momento.",
		"same-service": "En ambos casos, su servicio y su precio siguen igual.",
		"if-yes":       "Si dice que sí", "if-no": "Si dice que no", "stands": "Cómo está ahora",
		"group-offers": "Ofertas nuestras", "group-companies": "Ofertas de otras empresas", "group-location": "Dónde está usted cuando llama", "group-classes": "Clases de información",
		"group-classes-says": "Puede dejar una clase de información fuera de toda oferta, la haga quien la haga. Se sigue usando para su servicio, su factura y su protección.",
		"group-history":      "Lo que usted y nosotros hemos dicho", "history-none": "Todavía no consta nada.", "history-when": "Cuándo", "history-what": "Qué",
		"decide": "Decidir sobre esto", "look": "Ver esta decisión", "all-button": "Rechazar todos los usos", "to-notices": "Los avisos que le dimos", "to-choices": "Volver a sus decisiones",

		"choice-everything": "Nada en absoluto", "choice-everything-means": "Un solo rechazo de todo uso que necesita su permiso: nuestras ofertas, ofertas de otras cosas, las de otras empresas y el lugar desde donde llama.",
		"choice-everything-no": "No usamos su información para nada de esto. La publicidad que va a todo el mundo todavía puede llegarle.",
		"choice-own-marketing": "Nuestras ofertas de servicios de comunicaciones", "choice-own-marketing-means": "Veríamos qué usa y qué paga usted, para elegir cuáles de nuestros servicios de teléfono, internet y similares ofrecerle.",
		"choice-own-marketing-yes": "Podemos usar su información para elegirle esas ofertas.", "choice-own-marketing-no": "No la usamos para esas ofertas. La publicidad que va a todo el mundo todavía puede llegarle.",
		"choice-other-marketing": "Nuestras ofertas de otras cosas", "choice-other-marketing-means": "Veríamos qué usa y qué paga usted, para ofrecerle productos y servicios que no tienen que ver con las comunicaciones.",
		"choice-other-marketing-yes": "Podemos usar su información para elegirle esas ofertas.", "choice-other-marketing-no": "No la usamos para esas ofertas. La publicidad que va a todo el mundo todavía puede llegarle.",
		"choice-partner-means": "{name} es {what}. Le daríamos información sobre su servicio para que le haga ofertas propias.",
		"choice-partner-yes":   "Podemos dar su información a {name} para sus ofertas. Tiene que guardarla en confidencia.", "choice-partner-no": "{name} no recibe nada de su información para sus ofertas.",
		"choice-location:own-marketing": "El lugar desde donde llama, para nuestras ofertas", "choice-location:other-marketing": "El lugar desde donde llama, para ofertas de otras cosas",
		"choice-location-means": "Usaríamos dónde está usted cuando llama {for}. Solo un sí suyo lo permite.",
		"choice-location-yes":   "Podemos usar dónde está usted cuando llama para esto.", "choice-location-no": "No lo usamos para esto. Si llama para pedir ayuda en una emergencia, quienes le ayudan sabrán igualmente dónde está.",
		"for-own-marketing": "para elegir cuáles de nuestros servicios ofrecerle", "for-other-marketing": "para ofrecerle cosas que no tienen que ver con las comunicaciones",
		"choice-data:call-detail": "Las llamadas que hace y recibe", "choice-data:usage": "Cuánto usa sus servicios", "choice-data:service": "Qué servicios tiene", "choice-data:billing": "Lo que dice su factura", "choice-data:location": "Dónde está usted cuando llama",
		"choice-data-means": "Puede dejar esta clase de información fuera de toda oferta, la haga quien la haga.", "choice-data-no": "No la usamos para ninguna oferta, ni nuestra ni de otros.",
		"class-agent": "una empresa que trabaja para nosotros y en nuestro nombre", "class-affiliate-comm": "una empresa de nuestro grupo que ofrece servicios de comunicaciones", "class-affiliate-other": "una empresa de nuestro grupo que no ofrece servicios de comunicaciones",
		"class-joint-venture": "una empresa con la que llevamos un negocio en común", "class-independent-contractor": "una empresa independiente que hemos contratado", "class-other": "otra empresa",

		"st-none":    "No se usa: no se le ha preguntado.",
		"st-asked":   "No se usa: se lo preguntamos {via} el {date}, y no consta ningún sí suyo en vigor.",
		"st-waiting": "Todavía no se usa: le dimos un aviso {via} el {date}. Si no dice nada, podemos usarla desde el {matures}.", "st-waiting-bare": "Todavía no se usa: le dimos un aviso {via} el {date}.",
		"st-silence": "Se usa: le dimos un aviso {via} el {date} y usted no ha dicho que no. Desde el {matures} eso vale como permiso, hasta que diga que no.", "st-silence-bare": "Se usa: le dimos un aviso {via} el {date} y usted no ha dicho que no. Eso vale como permiso, hasta que diga que no.",
		"st-old": "No se usa: nuestro último aviso, del {date}, es demasiado antiguo para contar.", "st-yes": "Se usa: usted dijo que sí {via} el {date}.", "st-no": "No se usa: usted dijo que no {via} el {date}.", "st-no-all": "No se usa: usted rechazó todos los usos {via} el {date}.", "st-no-some": "No se usa: usted dijo que no.",
		"st-no-class": "No se usa: usted ha rechazado todas las clases de información que esto usaría.", "st-without": "Queda fuera: {classes}.", "st-added": "No se usa: nuestra política abarca ahora más que cuando le preguntamos, y no le hemos vuelto a preguntar.",
		"st-open": "No ha rechazado esta clase de información.", "st-open-all": "No ha rechazado todos los usos.",

		"via-email": "por correo electrónico", "via-portal": "aquí en su cuenta", "via-phone": "por teléfono", "via-postal": "por carta", "via-store": "en una tienda", "via-sms": "por mensaje de texto", "via-gpc": "por el Control Global de Privacidad de su navegador",
		"via-bill-insert": "con su factura", "via-oral": "en una conversación", "via-link": "por el enlace de un aviso", "via-web": "en nuestra página de rechazos",

		"h-stated": "Así estaban sus decisiones cuando empezamos a llevar esta lista.", "h-noticed": "Le dimos un aviso {via} sobre: {about}.", "h-void": "Un aviso nuestro fue devuelto, así que cuenta como no dado.",
		"h-objected": "Usted dijo que no {via}: {about}.", "h-granted": "Usted dijo que sí {via}: {about}.", "h-lifted": "Usted retiró un rechazo {via}: {about}.", "h-staff": "Lo anotó alguien de nuestro equipo.",

		"no-button": "No, no pueden", "yes-button": "Sí, pueden", "keep-button": "No, mantener mi rechazo", "back-button": "Sí, retirarlo",
		"choice-notice": "El aviso al que responde", "choice-answer": "Su respuesta", "choice-back": "Retirar mi rechazo sin decir que sí", "choice-back-only": "Retirar mi rechazo",
		"choice-alone": "Usted ha rechazado todos los usos. Un sí aquí vale solo para esto; todo lo demás sigue rechazado.", "choice-without": "Deja fuera lo que usted ha rechazado: {classes}.",
		"choice-empty":   "Usted ha rechazado todas las clases de información que esto usaría, así que aquí no hay nada a lo que decir que sí. Antes puede retirar uno de esos rechazos.",
		"choice-unasked": "Ahora no podemos pedirle esto aquí. No se usa nada para ello sin un sí suyo.",
		"choice-stale":   "Algo se dijo o cambió desde que abrió esta página, y no se tomó su respuesta. Por favor, léala de nuevo y responda.", "choice-which": "Por favor, pulse uno de los botones.",
		"back-asks": "¿Retirar un rechazo?", "back-of": "Su rechazo", "back-means": "Retirarlo no es un sí. Es como si no hubiera rechazado: lo que le dijimos en un aviso vuelve a contar, y lo que rechazó por separado sigue rechazado. Un sí que el rechazo terminó sigue terminado.",
		"back-then": "Si lo retira, su información volvería a usarse, como le dijo un aviso, para:", "back-nothing": "Si lo retira, no se usa nada que no se use ahora.",

		"said-no": "Su no consta y vale desde ahora.", "said-no-all": "Su rechazo de todos los usos consta y vale desde ahora.", "said-yes": "Su sí consta. Puede retirarlo en cualquier momento.",
		"said-back": "Su rechazo está retirado.", "said-kept": "Su rechazo sigue como está.",

		"gpc": "Control Global de Privacidad", "gpc-heard": "Su navegador pide a todos los sitios que no compartan ni vendan lo que saben de usted. Lo tomamos como su rechazo de todo uso que necesita su permiso, y consta así. Lo que decida en esta página vale, esté la señal puesta o no.",
		"gpc-chosen": "Su navegador pide a todos los sitios que no compartan ni vendan lo que saben de usted. Usted retiró aquí su rechazo de todos los usos mientras lo pedía, y esa decisión suya vale.",
	},
}
