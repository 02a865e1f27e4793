package rules

import (
	"github.com/cedar-policy/cedar-go/types"
)

// context gives v as Cedar has it, in the shape of type Facts of the schema.
func (v view) context() types.Record {
	text := func(s string) types.String { return types.String(s) }
	flag := func(b bool) types.Boolean { return types.Boolean(b) }
	record := func(m types.RecordMap) types.Record { return types.NewRecord(m) }
	return record(types.RecordMap{
		"purpose":   text(string(v.purpose)),
		"data":      dataWords.set(v.data),
		"dataKnown": flag(v.dataKnown),
		"via":       text(string(v.via)),
		"actor": record(types.RecordMap{
			"kind": text(v.actor.kind), "role": text(string(v.actor.role)), "trained": flag(v.actor.trained), "scoped": flag(v.actor.scoped),
		}),
		"customer": record(types.RecordMap{
			"known": flag(v.customer.known), "current": flag(v.customer.current), "categories": categoryWords.set(v.customer.categories),
			"several": flag(v.customer.several), "listedOnly": flag(v.customer.listedOnly), "businessExemption": flag(v.customer.businessExemption),
		}),
		"recipient": record(types.RecordMap{
			"kind": text(string(v.recipient.kind)), "known": flag(v.recipient.known), "class": text(string(v.recipient.class)),
			"agreement": flag(v.recipient.agreement), "overdue": flag(v.recipient.overdue), "serves": flag(v.recipient.serves),
			"onList": flag(v.recipient.onList), "granted": flag(v.recipient.granted),
		}),
		"contact": record(types.RecordMap{
			"given": flag(v.contact.given), "live": flag(v.contact.live), "same": flag(v.contact.same), "channel": text(string(v.contact.channel)),
			"outbound": flag(v.contact.outbound), "proved": methodWords.set(v.contact.proved), "oneTime": flag(v.contact.oneTime),
		}),
		"destination": record(types.RecordMap{"given": flag(v.destination.given), "onAccount": flag(v.destination.onAccount), "ofRecord": flag(v.destination.ofRecord)}),
		"approval": record(types.RecordMap{
			"state": text(string(v.approval.state)), "namesRecipient": flag(v.approval.namesRecipient),
			"otherTuple": flag(v.approval.otherTuple), "expressPrior": flag(v.approval.expressPrior),
		}),
		"offer": record(types.RecordMap{
			"given": flag(v.offer.given), "categories": categoryWords.set(v.offer.categories), "beyond": categoryWords.set(v.offer.beyond), "free": flag(v.offer.free),
		}),
		"basis": record(types.RecordMap{
			"process": flag(v.basis.process), "processReviewed": flag(v.basis.processReviewed), "processInForce": flag(v.basis.processInForce),
			"processCovers": flag(v.basis.processCovers), "caseOpen": flag(v.basis.caseOpen), "ticketOpen": flag(v.basis.ticketOpen), "orderOpen": flag(v.basis.orderOpen),
			"emergencyCall": flag(v.basis.emergencyCall), "lifeAtRisk": flag(v.basis.lifeAtRisk), "closeFamily": flag(v.basis.closeFamily),
			"written": flag(v.basis.written), "signed": flag(v.basis.signed), "namesRecipient": flag(v.basis.namesRecipient),
			"unaided": flag(v.basis.unaided), "aggregate": flag(v.basis.aggregate), "portOut": flag(v.basis.portOut),
		}),
		"campaign": record(types.RecordMap{"given": flag(v.campaign.given), "approved": flag(v.campaign.approved), "runs": flag(v.campaign.runs), "covers": flag(v.campaign.covers)}),
	})
}
