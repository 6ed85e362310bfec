"""The engines that federate: what members wait for, and who carries objects to them."""
