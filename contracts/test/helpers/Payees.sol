// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Refuses coins until told otherwise.
contract PickyPayee {
    bool public open;

    function setOpen(bool open_) external {
        open = open_;
    }

    receive() external payable {
        require(open, "closed");
    }
}

/// Burns all gas it is given.
contract GasBurningPayee {
    receive() external payable {
        while (true) {}
    }
}

/// Reverts with 100,000 bytes, which cost a caller who copies them more than they cost to make.
contract ReturnBombPayee {
    receive() external payable {
        assembly {
            revert(0x00, 100000)
        }
    }
}

/// Accepts coins the way a wallet behind a proxy does: cold implementation, cold slot, event.
contract WalletPayee {
    event Accepted(address from, uint256 amount);

    WalletLogic private immutable LOGIC = new WalletLogic();
    uint256 private threshold = 1;

    receive() external payable {
        (bool success,) = address(LOGIC).delegatecall("");
        require(success && threshold != 0);
        emit Accepted(msg.sender, msg.value);
    }
}

contract WalletLogic {
    fallback() external payable {}
}

/// Calls back when it is paid, with whatever gas it has.
contract ReenteringPayee {
    address public target;
    bytes public data;
    bool public called;
    bool public succeeded;
    bytes4 public error;

    function set(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    receive() external payable {
        called = true;
        bytes memory answer;
        (succeeded, answer) = target.call(data);
        error = bytes4(answer);
    }
}
