#!/usr/bin/perl
# A message centre for tests, in Net::SMPP's words: what goes over the wire is read and written by that module alone. It
# listens on this machine, tells on standard output, a JSON object a line, what comes in, and does what it is told on
# standard input, a JSON object a line. It ends when standard input does.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

$SIG{PIPE} = 'IGNORE';
$SIG{__WARN__} = sub { };    # Net::SMPP warns of every closed connection and every tag that it does not know
$| = 1;

my $json = JSON::PP->new->canonical->latin1;
my %set = (bind => 0, answer => 0, times => 0, after => 0, mute => 0, drop => 0, ids => 'decimal', quiet => 0, receipts => 0, password => undef, deaf => 0, slow => 0);
my $last = 0;                # message id
my $listen = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34) or die "listening: $!";
my $select = IO::Select->new($listen, \*STDIN);
my %roles;                   # by connection
my $input = '';

sub note { print $json->encode({@_}), "\n" }

note(event => 'listening', port => $listen->sockport);

sub hangup {
    my $c = shift;
    $select->remove($c);
    delete $roles{$c};
    close $c;
}

sub written {
    my $id = shift;
    return sprintf('%X', $id) if $set{ids} eq 'hexadecimal';
    return sprintf('%010d', $id) if $set{ids} eq 'padded';
    return "$id";
}

sub receivers { return grep { ($roles{$_} // '') =~ /receiver|transceiver/ } $select->handles }

sub deliver {
    my ($d) = @_;
    my %more;
    $more{$_} = pack('H*', $d->{tlv}{$_}) for keys %{ $d->{tlv} // {} };
    my ($c) = receivers();
    return note(event => 'nobody') unless $c;
    $c->deliver_sm(
        async => 1, source_addr_ton => $d->{ton} // 1, source_addr_npi => 1, source_addr => $d->{from} // '15550001111',
        dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $d->{to} // '12345', esm_class => $d->{class} // 0,
        data_coding => $d->{coding} // 0, short_message => pack('H*', $d->{octets} // ''), %more,
    );
}

sub submitted {
    my ($c, $p) = @_;
    my %tlv = map { $_ => unpack('H*', $p->{$_}) } grep { /^\d+$/ } keys %$p;
    note(
        event => 'submit', from => $p->{source_addr}, from_ton => $p->{source_addr_ton}, from_npi => $p->{source_addr_npi},
        to => $p->{destination_addr}, to_ton => $p->{dest_addr_ton}, class => $p->{esm_class}, coding => $p->{data_coding},
        registered => $p->{registered_delivery}, service => $p->{service_type}, replace => $p->{replace_if_present_flag},
        octets => unpack('H*', $p->{short_message}), tlv => \%tlv,
    ) unless $set{quiet};
    select(undef, undef, undef, $set{slow}) if $set{slow};
    return if $set{mute};
    return hangup($c) if $set{drop};
    my $status = $set{answer};
    if ($status && $set{after} > 0) { $set{after}--; $status = 0 }
    if ($status && --$set{times} == 0) { $set{answer} = 0 }
    return $c->submit_sm_resp(seq => $p->{seq}, status => $status, message_id => '') if $status;
    my $id = ++$last;
    $c->submit_sm_resp(seq => $p->{seq}, message_id => written($id));
    if ($set{receipts} && $p->{registered_delivery}) {
        deliver({ class => 4, octets => unpack('H*', sprintf('id:%s sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:', written($id))) });
    }
}

sub heard {
    my ($c) = @_;
    my $p = $c->read_pdu() or return hangup($c);
    my $cmd = $p->{cmd};
    my %bind = (0x1 => 'receiver', 0x2 => 'transmitter', 0x9 => 'transceiver');
    if (my $role = $bind{$cmd}) {
        my $status = $set{bind};
        $status = 0x0e if defined $set{password} && $p->{password} ne $set{password};
        note(event => 'bind', role => $role, id => $p->{system_id}, type => $p->{system_type}, version => $p->{interface_version}, status => $status);
        my $answer = "bind_${role}_resp";
        $c->$answer(seq => $p->{seq}, status => $status, system_id => 'centre');
        $status ? hangup($c) : ($roles{$c} = $role);
    } elsif ($cmd == 0x4) {
        submitted($c, $p);
    } elsif ($cmd == 0x15) {
        note(event => 'enquire');
        $c->enquire_link_resp(seq => $p->{seq}) unless $set{deaf};
    } elsif ($cmd == 0x80000005) {
        note(event => 'taken', status => $p->{status}) unless $set{quiet};
    } elsif ($cmd == 0x6) {
        note(event => 'unbind');
        $c->unbind_resp(seq => $p->{seq});
        hangup($c);
    } else {
        note(event => 'other', cmd => $cmd, status => $p->{status});
    }
}

sub ordered {
    my $o = shift;
    my $do = $o->{do};
    if ($do eq 'set') { $set{$_} = $o->{$_} for grep { $_ ne 'do' } keys %$o }
    elsif ($do eq 'deliver') { deliver($o) }
    elsif ($do eq 'raw') { syswrite $_, pack('H*', $o->{octets}) for receivers() }
    elsif ($do eq 'enquire') { $_->enquire_link(async => 1) for receivers() }
    elsif ($do eq 'unbind') { $_->unbind(async => 1) for receivers() }
    elsif ($do eq 'hangup') { hangup($_) for grep { $roles{$_} } $select->handles }
    note(event => 'done', do => $do);
}

while (1) {
    for my $h ($select->can_read) {
        if ($h == $listen) {
            my $c = $listen->accept or next;
            $select->add($c);
        } elsif (fileno($h) == 0) {
            sysread(STDIN, $input, 1 << 16, length $input) or exit 0;
            ordered($json->decode($1)) while $input =~ s/^(.*)\n//;
        } else {
            heard($h) if defined fileno $h;
        }
    }
}
