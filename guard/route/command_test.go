package route

import "testing"

func TestCommands(t *testing.T) {
	in := Addition{Ingress, "sg-d", "sg-b", 5432}
	out := Addition{Egress, "sg-b", "sg-d", 5432}
	for _, c := range []struct{ got, want string }{
		{in.Command("eu-west-1"), "aws ec2 authorize-security-group-ingress --group-id sg-d --protocol tcp --port 5432 --source-group sg-b --region eu-west-1"},
		{out.Command("eu-west-1"), "aws ec2 authorize-security-group-egress --group-id sg-b --ip-permissions " +
			"'IpProtocol=tcp,FromPort=5432,ToPort=5432,UserIdGroupPairs=[{GroupId=sg-d}]' --region eu-west-1"},
		{in.Terraform("orders.from bastion"), `resource "aws_vpc_security_group_ingress_rule" "orders_from_bastion" {
  security_group_id            = "sg-d"
  referenced_security_group_id = "sg-b"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
`},
		{Addition{Egress, "sg-${x}\"", "sg-d", 1}.Terraform("1"), `resource "aws_vpc_security_group_egress_rule" "_1" {
  security_group_id            = "sg-$${x}\""
  referenced_security_group_id = "sg-d"
  ip_protocol                  = "tcp"
  from_port                    = 1
  to_port                      = 1
}
`},
		{Addition{Ingress, "sg-d; rm", "sg-b", 1}.Command("x"), "aws ec2 authorize-security-group-ingress --group-id 'sg-d; rm' --protocol tcp --port 1 --source-group sg-b --region x"},
		{Ingress.Text(from(5432, "sg-1", "sg-2")), "tcp 5432 from sg-1, sg-2"},
		{Egress.Text(all), "everything to 0.0.0.0/0"},
		{Ingress.Text(tcp(0, 65535, "10.0.0.0/8", "::/0", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16")), "tcp to all ports from 10.0.0.0/8, ::/0, 10.1.0.0/16, 2 more"},
		{Ingress.Text(Rule{Protocol: "udp", From: 1, To: 9, Lists: []string{"pl-1"}}), "udp 1-9 from pl-1"},
		{Egress.Text(Rule{Protocol: "6", From: 1, To: 1, References: []string{"sg-1"}}), "tcp 1 to sg-1"},
	} {
		if c.got != c.want {
			t.Errorf("got:\n%s\nwant:\n%s", c.got, c.want)
		}
	}
}
